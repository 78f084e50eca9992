import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '#database';
import type { StreamEvent } from '#normalizer';
import pino from 'pino';
import { Typing } from './typing.js';

let told: string[];
let queries: number;
let typing: Typing;

beforeEach(() => {
  jest.useFakeTimers();
  [told, queries] = [[], 0];
  const database = {
    query: (_: unknown, [account, thread]: string[]) => {
      queries += 1;
      return Promise.resolve(thread === 'unknown' ? [] : [{ data: { name: `${account} ${thread}` } }]);
    },
  } as unknown as Database;
  const deliver = ({ type, data }: StreamEvent) => {
    told.push(`${type.slice('typing.'.length)} ${(data as unknown as { name: string }).name}`);
    return Promise.resolve();
  };
  typing = new Typing({ database, log: pino({ level: 'silent' }), deliver });
});
afterEach(() => {
  jest.useRealTimers();
});

const ms = (duration: number) => jest.advanceTimersByTimeAsync(duration);

describe('typing of customers', () => {
  it('is told when it changes, at most once a second and thread, the last state in any case', async () => {
    for (let i = 0; i < 90; i += 1) {
      typing.typing('web', 'a', i % 2 === 0);
      await ms(33);
    }
    await ms(2_000);
    expect(told[0]).toBe('started web a');
    expect(told.at(-1)).toBe('stopped web a');
    expect(queries).toBeLessThanOrEqual(4);
    expect(told.every((text, i) => text !== told[i - 1])).toBe(true);
  });

  it('of one thread does not hold up another', async () => {
    typing.typing('web', 'a', true);
    typing.typing('web', 'b', true);
    typing.typing('web', 'unknown', true);
    await ms(0);
    expect(told).toEqual(['started web a', 'started web b']);
  });

  it('that comes back to what was told is not told again', async () => {
    for (const on of [true, false, true]) typing.typing('web', 'a', on);
    await ms(2_000);
    expect(told).toEqual(['started web a']);
    typing.typing('web', 'a', false);
    await ms(0);
    expect(told).toEqual(['started web a', 'stopped web a']);
  });

  it('is told again when it goes on', async () => {
    for (let i = 0; i < 5; i += 1) {
      typing.typing('web', 'a', true);
      await ms(1_500);
    }
    expect(told).toEqual(Array.from({ length: 3 }, () => 'started web a'));
  });
});
