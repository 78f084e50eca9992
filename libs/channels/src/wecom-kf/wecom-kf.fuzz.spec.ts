import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { InvalidInput, parseInbound, ProviderFailure } from '#normalizer';
import type { Http } from '#transport';
import { hostileBodies, isPolluted } from '#transport/testing';
import { fakeContext, mutated, random } from '../wechat/testing/index.js';
import { wecomKfConfig } from './wecom-kf.config.js';
import { poll } from './wecom-kf.sync.js';

/** How many answers: `WECHAT_FUZZ=1000000` for the long run. `WECHAT_FUZZ_SEED` repeats one. */
const BODIES = Number(process.env['WECHAT_FUZZ'] ?? 3_000);
const SEED = Number(process.env['WECHAT_FUZZ_SEED'] ?? 42);

const SEEDS = ['messages', 'agent', 'events'].map((name) =>
  Buffer.from(JSON.stringify(JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')))),
);
const HOSTILE = hostileBodies(SEEDS[1]!, 65_536).map(({ body }) => body);

const config = wecomKfConfig.parse({
  corpId: 'ww1a2b3c4d5e6f7890',
  secret: 'secret',
  token: 'QDG6eK',
  encodingAESKey: 'a'.repeat(43),
  openKfId: 'wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw',
});

async function outcome(body: Buffer): Promise<string> {
  const answer = { status: 200, headers: {}, body, json: () => ({}) as never, text: () => body.toString() };
  const http = { request: async () => answer } as unknown as Http;
  const shared = new Map([['access-token', Promise.resolve('TOKEN')]]);
  try {
    const { events } = await poll(null, fakeContext(config, { http, shared }));
    return events.map(valid).includes(false) ? 'set aside' : 'read';
  } catch (error) {
    if (error instanceof ProviderFailure) return 'refused';
    throw error;
  }
}

function valid(event: Parameters<typeof parseInbound>[0]): boolean {
  try {
    parseInbound(event);
    return true;
  } catch (error) {
    if (error instanceof InvalidInput) return false;
    throw error;
  }
}

it(
  `survives ${BODIES} mutated answers: each is read, set aside by the message, or refused in words`,
  async () => {
    const chance = random(SEED);
    const seen: Record<string, number> = {};
    let slowest = 0;
    for (let i = 0; i < BODIES; i += 1) {
      const from = chance() < 0.1 ? HOSTILE : SEEDS;
      const seed = from[Math.floor(chance() * from.length)]!;
      const body = mutated(seed, chance, { seeds: SEEDS, maxBytes: 65_536 });
      const began = process.cpuUsage().user;
      const result = await outcome(body).catch((error: unknown) => {
        throw new Error(`body ${i} of seed ${SEED} (${body.toString('base64').slice(0, 2_000)})`, { cause: error });
      });
      slowest = Math.max(slowest, process.cpuUsage().user - began);
      seen[result] = (seen[result] ?? 0) + 1;
      if (isPolluted()) throw new Error(`body ${i} of seed ${SEED} wrote to Object.prototype`);
    }
    expect(Object.keys(seen).sort()).toEqual(['read', 'refused', 'set aside']);
    expect(slowest).toBeLessThan(1_000_000);
  },
  Math.max(60_000, BODIES * 2),
);
