import type { LoggerOptions } from 'pino';

/** Repeats of one kind of line within this time are one line, with their number. */
const WINDOW_MS = 10_000;
/** Kinds told apart within one window; more of them are one kind together. */
const MOST_KINDS = 1_000;
const WARN = 40;
const FATAL = 60;

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>;

/** A kind of line that was written in this window, and how to tell of its repeats. */
interface Kind {
  repeats: number;
  readonly tell: (repeats: number) => void;
}

/**
 * Keeps a flood of one warning or error from filling the disk: the first is written, what repeats it within ten seconds is counted and told in one line
 * (`repeats`). Lines are of one kind that have level, text, kind of error, and account or destination in common. Other levels pass.
 */
export function foldRepeats({ windowMs = WINDOW_MS, mostKinds = MOST_KINDS } = {}): LogMethod {
  const kinds = new Map<string, Kind>();
  let timer: NodeJS.Timeout | undefined;

  const tellAll = (): void => {
    timer = undefined;
    for (const [name, kind] of kinds) {
      if (kind.repeats > 0) kind.tell(kind.repeats);
      else kinds.delete(name);
      kind.repeats = 0;
    }
    if (kinds.size > 0) wait();
  };
  const wait = (): void => void (timer = setTimeout(tellAll, windowMs).unref());

  return function logMethod(args, method, level) {
    if (level < WARN || level >= FATAL) return method.apply(this, args);
    const { name, place, text } = kindOf(args, level);
    const crowded = !kinds.has(name) && kinds.size >= mostKinds;
    const kind = kinds.get(crowded ? 'others' : name);
    if (kind) return void (kind.repeats += 1);
    const told = crowded ? 'too many kinds of warnings to tell them apart' : text;
    kinds.set(crowded ? 'others' : name, {
      repeats: 0,
      tell: (repeats) => method.call(this, { ...place, repeats }, told),
    });
    if (!timer) wait();
    method.apply(this, args);
  };
}

function kindOf([first, second]: readonly unknown[], level: number) {
  const about = typeof first === 'object' && first !== null ? (first as Record<string, unknown>) : {};
  const text = String(typeof first === 'string' ? first : (second ?? ''));
  const place = Object.fromEntries(
    ['account', 'destination', 'target', 'source', 'what']
      .filter((key) => key in about)
      .map((key) => [key, about[key]]),
  );
  const { name = '', code = '' } = (about['err'] ?? {}) as { name?: string; code?: unknown };
  return { name: JSON.stringify([level, text, place, name, String(code)]), place, text };
}
