/** One thing wrong with the settings. `key` is a path such as `accounts[0].config.url`, or the name of an environment variable. */
export interface Problem {
  readonly key: string;
  /** Line of the settings file, from 1; null for the environment. */
  readonly line: number | null;
  /** What was expected there, in words. Never holds a value that may be secret. */
  readonly expected: string;
}

/** The settings cannot be used. The message lists every problem with file, line, key and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(
    readonly file: string,
    readonly problems: readonly Problem[],
  ) {
    super(
      [`The settings cannot be used (${count(problems.length)}):`, ...problems.map((p) => describe(file, p))].join(
        '\n',
      ),
    );
  }
}

function count(problems: number): string {
  return problems === 1 ? '1 problem' : `${problems} problems`;
}

function describe(file: string, { key, line, expected }: Problem): string {
  const place = line === null ? 'environment' : `${file}:${line}`;
  return `  ${place}  ${key ? `${key}: ` : ''}${expected}`;
}

/** `["accounts", 0, "id"]` as people read it: `accounts[0].id`. */
export function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** The candidate that was probably meant, if one is near enough. */
export function nearest(given: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(given.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(given.length / 3)) ? best.candidate : undefined;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const replace = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replace, swapped ? at(i - 2, j - 2) + 1 : Infinity);
    }
  }
  return at(a.length, b.length);
}
