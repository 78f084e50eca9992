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
