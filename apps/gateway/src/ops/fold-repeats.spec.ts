import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { pino, type Logger } from 'pino';
import { foldRepeats } from './fold-repeats.js';
import { Blotter, openLog } from './log.js';

let lines: Record<string, unknown>[];
let log: Logger;

const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  log = pino({ level: 'trace', hooks: { logMethod: foldRepeats({ windowMs: 1_000, mostKinds: 3 }) } }, { write });
});
afterEach(() => void jest.useRealTimers());

const told = () => lines.splice(0).map(({ msg, repeats, account }) => [msg, repeats, account]);

describe('repeated warnings', () => {
  it('are one line in each window of a flood, with their number', () => {
    for (let n = 0; n < 500; n += 1) log.warn({ err: new Error(`no ${n}`) }, 'it failed');
    expect(told()).toEqual([['it failed', undefined, undefined]]);
    jest.advanceTimersByTime(1_000);
    for (let n = 0; n < 300; n += 1) log.warn({ err: new Error(`no ${n}`) }, 'it failed');
    jest.advanceTimersByTime(1_000);
    expect(told()).toEqual([
      ['it failed', 499, undefined],
      ['it failed', 300, undefined],
    ]);
  });

  it('are told again from the first on, once a window was quiet', () => {
    log.error('it failed');
    jest.advanceTimersByTime(1_000);
    log.error('it failed');
    expect(told()).toEqual([
      ['it failed', undefined, undefined],
      ['it failed', undefined, undefined],
    ]);
  });

  it('are told apart by text, level, kind of error and place, up to a number of kinds', () => {
    log.warn({ account: 'a' }, 'it failed');
    log.warn({ account: 'b' }, 'it failed');
    log.warn({ account: 'b', err: new TypeError('x') }, 'it failed');
    log.warn('fourth');
    log.warn('fifth');
    expect(told()).toEqual([
      ['it failed', undefined, 'a'],
      ['it failed', undefined, 'b'],
      ['it failed', undefined, 'b'],
      ['fourth', undefined, undefined],
    ]);
    jest.advanceTimersByTime(1_000);
    expect(told()).toEqual([['too many kinds of warnings to tell them apart', 1, undefined]]);
  });

  it('of other levels are all told', () => {
    for (let n = 0; n < 3; n += 1) log.debug('seen');
    for (let n = 0; n < 3; n += 1) log.fatal('the end');
    expect(lines).toHaveLength(6);
  });
});

it('the log of the process folds them', () => {
  const real = openLog('info', new Blotter(), { write });
  for (let n = 0; n < 1_000; n += 1) real.warn({ destination: 'desk' }, 'a delivery failed');
  expect(lines).toHaveLength(1);
});
