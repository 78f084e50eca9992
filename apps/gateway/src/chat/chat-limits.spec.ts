import { describe, expect, it } from '@jest/globals';
import { ChatLimits } from './chat-limits.js';

const MIB = 1_048_576;
const alone = { hint: () => undefined, onHint: () => () => undefined };
const limits = () => new ChatLimits({ messagesPerMinute: 30, connectionsPerAddress: 5 }, alone);

/** How many in a row are allowed, up to `most`. */
async function allowed(most: number, once: (i: number) => Promise<number>): Promise<number> {
  for (let i = 0; i < most; i += 1) if ((await once(i)) > 0) return i;
  return most;
}

describe('limits of an address whose visitors are ever new ones', () => {
  it('hold for new visitors', async () => {
    const l = limits();
    expect(await allowed(1_000, () => l.newVisitor('a'))).toBe(10);
    expect(await l.newVisitor('b')).toBe(0);
  });

  it('hold for the number of uploads', async () => {
    const l = limits();
    expect(await allowed(1_000, (i) => l.upload(`v${i}`, 'a', 1))).toBe(120);
    expect(await l.upload('v', 'b', 1)).toBe(0);
  });

  it('hold for the bytes of uploads', async () => {
    const l = limits();
    expect(await allowed(100, (i) => l.upload(`v${i}`, 'a', 25 * MIB))).toBe(20);
    expect(await l.upload('v', 'a', 25 * MIB)).toBeGreaterThan(60_000);
    expect(await l.upload('v', 'b', 4_096 * MIB)).toBe(0);
    expect(await l.upload('v', 'b', 1)).toBeGreaterThan(0);
  });
});

describe('limits of identification', () => {
  it('let an office in, and stop who guesses', async () => {
    const l = limits();
    expect(await allowed(200, (i) => l.identify(`v${i}`, 'office'))).toBe(200);
    const guess = async (i: number) => {
      const ms = await l.identify(`v${i}`, 'guesser');
      await l.identifyFailed('guesser');
      return ms;
    };
    expect(await allowed(200, guess)).toBe(20);
    expect(await l.identify('v0', 'office')).toBe(0);
  });

  it('hold for one visitor', async () => {
    const l = limits();
    expect(await allowed(200, () => l.identify('v', 'a'))).toBe(30);
  });
});
