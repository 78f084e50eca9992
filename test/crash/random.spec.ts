import { afterAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { expectPromisesKept, setStage, stopEverything, until, type Stage } from '../support/index.js';

const KILLS = 12;
const CONVERSATIONS = 20;
/** How long one thing may take while the process is killed again and again. */
const PATIENCE_MS = 150_000;
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

let stage: Stage;

afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

/** Numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One customer and one agent who go on, whatever happens, until they are told to stop. Returns the agent's replies. */
async function talk(stage: Stage, customer: number, over: () => boolean): Promise<string[]> {
  const replies: string[] = [];
  for (let n = 0; !over(); n += 1) {
    const id = await stage.writeStubbornly({ id: `w-${customer}-${n}`, thread: `room-${customer}` }, PATIENCE_MS);
    if (n % 3 === 0) {
      const { data } = await stage.received(id, PATIENCE_MS);
      const text = `reply ${customer} ${n}`;
      await until('the reply', () => stage.reply(data!.conversation!.id, text, `key-${customer}-${n}`), PATIENCE_MS);
      replies.push(text);
    }
    await delay(40);
  }
  return replies;
}

/** The provider's side: says of what it took that it was delivered, then read, until that is taken. */
async function acknowledge(stage: Stage, over: () => boolean): Promise<void> {
  for (let next = 0; !over() || next < stage.provider.taken.length;) {
    const post = stage.provider.taken[next];
    if (!post) {
      await delay(20);
      continue;
    }
    for (const status of ['delivered', 'read'] as const)
      await until('the receipt', async () => (await stage.poster.receipt(post.id, status)).status === 200, PATIENCE_MS);
    next += 1;
  }
}

async function expectAll(stage: Stage, replies: readonly string[]): Promise<void> {
  await until('every reply to be sent', () => stage.provider.texts.length >= replies.length, PATIENCE_MS);
  for (const post of stage.provider.taken) await stage.poster.receipt(post.id, 'read');
  const stream = await expectPromisesKept(stage);
  expect([...stage.provider.texts].sort()).toEqual([...replies].sort());
  for (const customer of Array(CONVERSATIONS).keys()) {
    const mine = (text: string) => text.startsWith(`reply ${customer} `);
    expect(stage.provider.texts.filter(mine)).toEqual(replies.filter(mine));
  }
  const outbound = stream.flatMap(({ data }) => (data?.message?.direction === 'outbound' ? [data.message] : []));
  const last = new Map(outbound.map(({ id, status }) => [id, status]));
  expect([...last.values()]).toEqual(replies.map(() => 'read'));
  expect(stage.acknowledged.size).toBeGreaterThan(KILLS * 5);
  expect(stage.gateway.logs).not.toMatch(/nobody listened|caught nowhere/);
}

describe(`kill -9 at ${KILLS} random moments under mixed load (CRASH_SEED=${SEED})`, () => {
  it('keeps every promise', async () => {
    stage = await setStage();
    const draw = random(SEED);
    let over = false;
    const talks = Array.from({ length: CONVERSATIONS }, (_, customer) => talk(stage, customer, () => over));
    const receipts = acknowledge(stage, () => over);
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const goal = stage.acknowledged.size + Math.ceil(draw() * 60);
        await until('some traffic', () => stage.acknowledged.size >= goal, PATIENCE_MS);
        await delay(draw() * 200);
        await stage.gateway.restart();
      }
    } finally {
      over = true;
      await Promise.allSettled([...talks, receipts]);
    }
    const replies = (await Promise.all(talks)).flat();
    await receipts;
    await expectAll(stage, replies);
  }, 240_000);
});
