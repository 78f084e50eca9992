import { Writable } from 'node:stream';
import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { foldRepeats } from './fold-repeats.js';

const HIDDEN = '***';
/** Shorter ones would blot out half of every line. */
const SHORTEST = 6;
/** Keys under which a secret or something that a person wrote may come along; redacted two levels deep. */
const CLOSED = [
  'authorization', 'cookie', 'password', 'secret', 'token', 'apiKey', 'config', 'headers', 'body', 'text', 'parts', 'name', 'handles', 'phone', 'email', 'subject',
]; // prettier-ignore

/** Values that may stand in no line of the log, wherever they come from: known secrets. */
export class Blotter {
  private secrets: readonly string[] = [];

  constructor(private readonly fixed: readonly string[] = []) {
    this.know([]);
  }

  /** From now on these, beside those known from the start. */
  know(secrets: readonly string[]): void {
    const all = [...this.fixed, ...secrets].filter(({ length }) => length >= SHORTEST);
    const escaped = all.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
    this.secrets = [...new Set(escaped)].sort((a, b) => b.length - a.length);
  }

  blot(line: string): string {
    return this.secrets.reduce(
      (text, secret) => (text.includes(secret) ? text.replaceAll(secret, HIDDEN) : text),
      line,
    );
  }
}

/** The process's log: JSON lines without secrets and without anything that customers or agents wrote. */
export function openLog(
  level: string,
  blotter: Blotter,
  out: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  const options: LoggerOptions = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: CLOSED.flatMap((key) => [key, `*.${key}`]), censor: HIDDEN },
    hooks: { logMethod: foldRepeats() },
    serializers: { err: describeError, error: describeError, req: () => undefined, res: () => undefined },
  };
  const blotted = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      out.write(blotter.blot(String(line)));
      done();
    },
  });
  return pino(options, blotted);
}

/** What of an error may be logged: no parameters, no rows, no values that a database quotes, no request of an HTTP client. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : undefined;
  const { code, cause } = error as Error & { code?: unknown };
  return {
    type: error.name,
    message: withoutValues(error),
    ...(typeof code === 'string' && { code }),
    stack: frames(error.stack),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}

/** Postgres, JSON.parse and URL quote the value that they refuse: everything in quotes of their messages goes. */
function withoutValues(error: Error): string {
  const quoting =
    'severity' in error || 'driverError' in error || error instanceof SyntaxError || error instanceof TypeError;
  const short = error.message.slice(0, 500);
  return quoting ? short.replace(/(["'`]).*\1/gs, '$1…$1') : short;
}

/** The stack repeats the message at its top, values and all: only the frames are kept. */
function frames(stack: string | undefined): string[] {
  return (stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim());
}

/** Nest's own messages: what it says while starting is of interest to developers only. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    const [err] = message instanceof Error ? [message] : rest.filter((item) => item instanceof Error);
    this.logger.error(
      { ...(err && { err }), context: rest.at(-1) },
      message instanceof Error ? 'an error reached the framework' : String(message),
    );
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }

  debug(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, String(message));
  }

  verbose(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, String(message));
  }

  fatal(message: unknown, context?: unknown): void {
    this.logger.fatal({ context }, String(message));
  }
}
