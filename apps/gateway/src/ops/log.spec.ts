import { describe, expect, it } from '@jest/globals';
import type { Logger } from 'pino';
import { Blotter, openLog } from './log.js';

const CANARY = 'canary-8c1f';

function logged(level: string, write: (log: Logger, blotter: Blotter) => void): string {
  let text = '';
  const blotter = new Blotter();
  write(openLog(level, blotter, { write: (line) => void (text += line) }), blotter);
  return text;
}

describe('the log', () => {
  it.each<[string, (log: Logger) => void]>([
    [
      'fields that hold what people wrote',
      (log) =>
        log.info({ text: CANARY, body: CANARY, parts: [CANARY], subject: CANARY, name: CANARY, phone: CANARY }, 'x'),
    ],
    [
      'the same, deeper',
      (log) =>
        log.info(
          { message: { text: CANARY, parts: [CANARY], name: CANARY }, request: { headers: { a: CANARY } } },
          'x',
        ),
    ],
    [
      'fields that hold secrets',
      (log) => log.debug({ token: CANARY, account: { config: { any: CANARY }, secret: CANARY } }, 'x'),
    ],
    [
      'what hangs on an error',
      (log) =>
        log.error(
          {
            err: Object.assign(new Error('failed'), { config: { data: CANARY }, detail: CANARY, parameters: [CANARY] }),
          },
          'x',
        ),
    ],
    [
      'values that a database quotes',
      (log) =>
        log.error(
          {
            err: Object.assign(new Error(`invalid input syntax for type integer: "${CANARY}"`), { severity: 'ERROR' }),
          },
          'x',
        ),
    ],
    [
      'the same as a cause',
      (log) =>
        log.error(
          { err: new Error('outer', { cause: Object.assign(new Error(`bad "${CANARY}"`), { severity: 'ERROR' }) }) },
          'x',
        ),
    ],
    ['values that a parser quotes', (log) => log.error({ err: parseError() }, 'x')],
    ['requests of the server', (log) => log.info({ req: { url: `/channels/a/${CANARY}` } }, 'x')],
  ])('is silent about %s', (_what, write) => {
    const text = logged('trace', write);
    expect(text).not.toBe('');
    expect(text).not.toContain('canary');
  });

  it('shows no known secret, wherever it stands and however it is written', () => {
    const secret = 'se"cret+canary/1';
    const text = logged('info', (log, blotter) => {
      blotter.know([secret, 'short']);
      log.info({ url: `https://x/?k=${encodeURIComponent(secret)}`, note: secret }, `and ${secret} short`);
    });
    expect(text).not.toContain('canary');
    expect(JSON.parse(text)).toMatchObject({ url: 'https://x/?k=***', note: '***', msg: 'and *** short' });
  });

  it('says what went wrong: type, message, code, frames, cause', () => {
    const err = Object.assign(new TypeError('cannot do that', { cause: new Error('because') }), { code: 'E1' });
    const line = JSON.parse(logged('info', (log) => log.error({ err, account: 'web' }, 'it failed'))) as Record<
      string,
      unknown
    >;
    expect(line).toMatchObject({
      level: 'error',
      account: 'web',
      msg: 'it failed',
      err: {
        type: 'TypeError',
        message: 'cannot do that',
        code: 'E1',
        stack: expect.any(Array),
        cause: { message: 'because' },
      },
    });
  });
});

function parseError(): unknown {
  try {
    return JSON.parse(`{"${CANARY}" ${CANARY}`);
  } catch (error) {
    return error;
  }
}
