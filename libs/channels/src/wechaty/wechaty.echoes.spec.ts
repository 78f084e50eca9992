import { beforeEach, describe, expect, it } from '@jest/globals';
import { Echoes } from './wechaty.echoes.js';

const HI = { to: 'wxid_alice', text: 'hi' };

let time: number;
let echoes: Echoes;
beforeEach(() => {
  time = 0;
  echoes = new Echoes(() => time);
});

/** Work that is under way until it is told how it ends. */
function underWay() {
  let finish!: (id?: string) => void;
  let fail!: (error: Error) => void;
  const work = new Promise<string | undefined>((resolve, reject) => ([finish, fail] = [resolve, reject]));
  return { work: () => work, finish, fail };
}

describe('a puppet that gives ids', () => {
  it('is held to them: the echo is ours, the same words with another id are not', async () => {
    expect(await echoes.send(HI, async () => 'm1')).toBe('m1');
    expect(await echoes.isOurs('m2', HI)).toBe(false);
    expect(await echoes.isOurs('m1', HI)).toBe(true);
    expect(await echoes.isOurs('m1', HI)).toBe(true);
  });

  it('may echo before it answers: both are told apart once it did', async () => {
    const { work, finish } = underWay();
    const sent = echoes.send(HI, work);
    const [echo, phone] = [echoes.isOurs('m1', HI), echoes.isOurs('m2', HI)];
    expect(await echoes.isOurs('m3', { to: 'wxid_alice', text: 'something else' })).toBe(false);
    expect(await echoes.isOurs('m4', { to: 'wxid_bob', text: 'hi' })).toBe(false);
    finish('m1');
    expect([await echo, await phone, await sent]).toEqual([true, false, 'm1']);
  });

  it('may take its time, as with a large file: what is under way is not forgotten', async () => {
    const { work, finish } = underWay();
    const sent = echoes.send(HI, work);
    time = 300_000;
    const echo = echoes.isOurs('m1', HI);
    finish('m1');
    expect([await echo, await sent]).toEqual([true, 'm1']);
  });

  it('tells by the echo what arrived though the sending failed', async () => {
    const { work, fail } = underWay();
    const sent = echoes.send(HI, work);
    const echo = echoes.isOurs('m1', HI);
    fail(new Error('reset'));
    await expect(sent).rejects.toThrow('reset');
    expect(await echo).toBe(false);
  });
});

describe('a puppet that gives none', () => {
  it('is believed the first equal words, whose id is that of what was sent', async () => {
    const sent = echoes.send({ to: 'wxid_alice', text: 'hi \r\n there' }, async () => undefined);
    const heard = { to: 'wxid_alice', text: 'hi\nthere' };
    expect([await echoes.isOurs('m1', heard), await sent]).toEqual([true, 'm1']);
    expect(await echoes.isOurs('m2', heard)).toBe(false);
    expect(await echoes.isOurs('m1', heard)).toBe(true);
  });

  it('may echo late, though not for ever, and what has no words is told by its conversation', async () => {
    const file = { to: 'wxid_alice', text: null };
    expect(await echoes.send(file, async () => undefined)).toBeUndefined();
    time = 60_001;
    expect(await echoes.isOurs('m1', file)).toBe(false);
    expect(await echoes.send(file, async () => undefined)).toBeUndefined();
    time += 59_000;
    expect(await echoes.isOurs('m2', file)).toBe(true);
  });
});
