import { describe, expect, it } from '@jest/globals';
import { SharedLimit } from './shared-limit.js';

/** Processes that hear each other's hints at once, unless they are deaf. */
class Street {
  deaf = false;
  hints = 0;
  private readonly listeners = new Set<(payload: string) => void>();

  readonly database = {
    hint: (_channel: string, payload = '') => {
      this.hints += 1;
      if (!this.deaf) this.listeners.forEach((listener) => listener(payload));
    },
    onHint: (_channel: string, listener: (payload: string) => void) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  };

  processes(count: number, options = { name: 'limit', points: 80, seconds: 60 }): SharedLimit[] {
    return Array.from({ length: count }, () => new SharedLimit(this.database as never, options));
  }
}

/** How often a key is let through by processes that are asked in turn. */
async function admitted(processes: readonly SharedLimit[], key: string, tries: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < tries; i += 1) if ((await processes[i % processes.length]!.take(key)) === 0) count += 1;
  return count;
}

describe('a limit of several processes', () => {
  it('holds for all of them in sum, to within an eighth for each further one', async () => {
    const street = new Street();
    const count = await admitted(street.processes(3), 'visitor', 1_000);
    expect(count).toBeGreaterThanOrEqual(80);
    expect(count).toBeLessThanOrEqual(80 + 2 * 10);
  });

  it('is exact where it is small', async () => {
    const street = new Street();
    expect(await admitted(street.processes(4, { name: 'small', points: 5, seconds: 60 }), 'v', 100)).toBe(5);
  });

  it('keeps keys and limits apart', async () => {
    const street = new Street();
    const [one, other] = [street.processes(2), street.processes(2, { name: 'other', points: 80, seconds: 60 })];
    await admitted(one, 'a', 1_000);
    expect(await one[0]!.take('b')).toBe(0);
    expect(await other[1]!.take('a')).toBe(0);
    expect(await one[1]!.spent('a')).toBeGreaterThan(0);
    expect(await one[1]!.spent('b')).toBe(0);
  });

  it('says nothing of those who do little, and eight times at most of those who use it up', async () => {
    const street = new Street();
    const [process] = street.processes(1);
    for (let visitor = 0; visitor < 1_000; visitor += 1) await admitted([process!], `v${visitor}`, 5);
    expect(street.hints).toBe(0);
    await admitted([process!], 'busy', 10_000);
    expect(street.hints).toBe(8);
  });

  it('holds in each process by itself while they do not hear each other', async () => {
    const street = new Street();
    street.deaf = true;
    expect(await admitted(street.processes(3), 'visitor', 1_000)).toBe(3 * 80);
  });

  it('is not upset by a hint that lost its payload on the way', async () => {
    const street = new Street();
    const [process] = street.processes(1);
    street.database.hint('count', '');
    expect(await process!.take('v')).toBe(0);
  });
});
