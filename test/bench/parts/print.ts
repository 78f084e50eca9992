import { goalRows, markdownTable, textTable, type Report, type Row } from './report.js';

/** Every table of a report under its title, with the goals last. */
function sections({ tables, goals }: Report): { readonly title: string; readonly rows: readonly Row[] }[] {
  return [...tables, ...(goals.length > 0 ? [{ title: 'goals', rows: goalRows(goals) }] : [])];
}

export function asText(name: string, report: Report): string {
  const tables = sections(report).map(({ title, rows }) => `${name}: ${title}\n${textTable(rows)}\n`);
  return [...tables, ...report.skipped.map((why) => `${name}: skipped: ${why}\n`)].join('\n');
}

/** For `docs/benchmarks.md`: figures are pasted from a run, never typed. */
export function asMarkdown(machine: Record<string, unknown>, reports: Record<string, Report>): string {
  const facts = Object.entries(machine).map(
    ([what, value]) => `- ${what}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  const bodies = Object.entries(reports).flatMap(([name, report]) => [
    `### ${name}`,
    ...sections(report).flatMap(({ title, rows }) => [
      `${title[0]!.toUpperCase()}${title.slice(1)}:`,
      markdownTable(rows),
    ]),
    ...report.skipped.map((why) => `Skipped: ${why}.`),
  ]);
  return `${[facts.join('\n'), ...bodies].join('\n\n')}\n`;
}
