import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { SignJWT } from 'jose';
import { ChatBench, SECRET } from './testing/chat-bench.js';

describeOnEveryDatabase('web chat without hints', (open) => {
  let bench: ChatBench;
  let arrive = false;
  let heardAgain = () => undefined as void;
  beforeAll(async () => {
    bench = await ChatBench.open(open);
    bench.hints = {
      hint: () => undefined,
      onHint(channel, listener) {
        if (channel === 'heard-again') heardAgain = () => listener('');
        return () => undefined;
      },
      hintsArrive: () => arrive,
    };
  });
  afterAll(() => bench.stop());
  afterEach(() => {
    for (const { ws } of bench.browsers.splice(0)) ws.terminate();
    expect(bench.errors.splice(0)).toEqual([]);
  });

  async function restarted(pollMs: number): Promise<void> {
    await bench.stop();
    bench.pollMs = pollMs;
    await bench.start();
  }

  it('looks by itself, and often while it knows that it is deaf', async () => {
    await restarted(3_600_000);
    const visitor = await bench.visitor();
    await bench.answer((await visitor.say('question')).id, 'while deaf');
    expect(await visitor.until((f) => f.type === 'message' && f.seq === 2)).toMatchObject({ text: 'while deaf' });
  });

  it('looks once more when it hears again, for what it missed', async () => {
    arrive = true;
    await restarted(3_600_000);
    const visitor = await bench.visitor();
    await bench.answer((await visitor.say('question')).id, 'just before');
    heardAgain();
    expect(await visitor.until((f) => f.type === 'message' && f.seq === 2)).toMatchObject({ text: 'just before' });
    arrive = false;
  });

  it('sends away tabs of a visitor who has become somebody elsewhere', async () => {
    await restarted(100);
    const one = await bench.visitor();
    await one.say('anonymous');
    const other = await bench.visitor({ session: one.welcome.session, after: 0 });
    const token = await new SignJWT({ name: 'Li' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('deaf-person')
      .setAudience('web')
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(new TextEncoder().encode(SECRET));
    one.send({ type: 'identify', token });
    expect((await one.next('welcome')).user).toMatchObject({ id: 'deaf-person' });
    expect((await other.gone()).code).toBe(1012);
  });
});
