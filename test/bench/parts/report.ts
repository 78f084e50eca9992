export type Row = Readonly<Record<string, string | number>>;

/** Rows under a heading that says what was measured and how. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** What a bench hands back. */
export interface Report {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** What could not be measured here, and why. */
  readonly skipped: readonly string[];
}

/** A claim, measured once in each round. */
export interface Goal {
  readonly what: string;
  readonly wanted: number;
  readonly better: 'more' | 'less';
  readonly measured: readonly number[];
  readonly unit?: string;
}

/** `1 connection`, `32 connections`. */
export const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The value below which the share `q` of the values lies. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** A goal on the median of the rounds. */
export const isMet = ({ wanted, better, measured }: Goal): boolean =>
  better === 'more' ? median(measured) >= wanted : median(measured) <= wanted;

/** Goals as rows: median with the lowest and highest of the rounds. */
export function goalRows(goals: readonly Goal[]): Row[] {
  return goals.map((goal) => ({
    goal: goal.what,
    wanted: `${goal.better === 'more' ? '>=' : '<='} ${goal.wanted}${unit(goal)}`,
    'median (lowest to highest)': spread(goal.measured, goal.unit),
    met: isMet(goal) ? 'yes' : 'NO',
  }));
}

const unit = ({ unit: name }: { readonly unit?: string | undefined }): string => (name ? ` ${name}` : '');

export function spread(values: readonly number[], name?: string): string {
  if (values.length === 0) return 'not measured';
  const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)].map(figure);
  return `${middle}${unit({ unit: name })} (${low} to ${high})`;
}

/** Rows as aligned text. */
export function textTable(rows: readonly Row[]): string {
  const lines = cells(rows);
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Rows as a table of Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  const [head, ...body] = cells(rows).map((line) => `| ${line.join(' | ')} |`);
  return [head, `|${' --- |'.repeat(columns(rows).length)}`, ...body].join('\n');
}

/** The columns in the order in which they first appear. */
const columns = (rows: readonly Row[]): string[] => [...new Set(rows.flatMap((row) => Object.keys(row)))];

function cells(rows: readonly Row[]): string[][] {
  const names = columns(rows);
  const text = (value: string | number | undefined): string =>
    typeof value === 'number' ? figure(value) : (value ?? '');
  return [names, ...rows.map((row) => names.map((name) => text(row[name])))];
}

/** Three digits or so: nobody needs more of a measurement. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
