import { expect, it } from '@jest/globals';
import { InvalidInput, parseInbound } from '#normalizer';
import { MalformedRequest, receive, type RawRequest } from '#transport';
import { hostileBodies, isPolluted, rawRequest } from '#transport/testing';
import { wechatOfficial } from '../wechat-official/wechat-official.adapter.js';
import { MAX_CALLBACK_BYTES } from './callback.js';
import { mutated, random, sealed, xmlOf } from './testing/index.js';

/** How many bodies: `WECHAT_FUZZ=1000000` for the long run. `WECHAT_FUZZ_SEED` repeats one. */
const BODIES = Number(process.env['WECHAT_FUZZ'] ?? 20_000);
const SEED = Number(process.env['WECHAT_FUZZ_SEED'] ?? 42);

const config = wechatOfficial.config.parse({
  appId: 'wx2c2769f8efd9abc2',
  appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f',
  token: 'spamtest',
  mode: 'plain',
});
const now = Date.parse('2026-11-21T09:30:00Z');
const ctx = { accountId: 'fuzz', config, publicUrl: '', now };
const webhook = wechatOfficial.ingress.webhook;

const common = { ToUserName: 'gh_1', FromUserName: 'oyORnuP8q7ou2gfYjqLzSIWZf0rs', CreateTime: 1_409_735_668 };
const SEEDS: readonly Buffer[] = [
  xmlOf({ ...common, MsgType: 'text', Content: '你好 /::) <b> ]]> 👋', MsgId: '6054768590064713728' }),
  xmlOf({ ...common, MsgType: 'image', PicUrl: 'http://a/b', MediaId: 'm', MsgId: '6054768590064713729' }),
  xmlOf({ ...common, MsgType: 'event', Event: 'subscribe', EventKey: 'qrscene_1', Ticket: 't' }),
  `<xml><FromUserName>a</FromUserName><MsgType>event</MsgType><Event>x</Event><L><I><A>&#65;</A></I><I/></L></xml>`,
  `<xml><FromUserName>a</FromUserName><MsgType>location</MsgType><Location_X>23.1</Location_X><Location_Y>1e9</Location_Y></xml>`,
  `{"FromUserName":"o1","CreateTime":1409735668,"MsgType":"text","Content":"hi","MsgId":6054768590064713728,"a":[{"b":1}]}`,
].map((text) => Buffer.from(text));
/** Taken in place of a genuine one now and then. */
const HOSTILE = hostileBodies(SEEDS[0]!, 4_096).map(({ body }) => body);

function outcome(body: Buffer): string {
  const request: RawRequest = sealed(
    { ...rawRequest({}), body },
    { token: config.token, receiverId: config.appId },
    now,
  );
  try {
    const received = receive(webhook!, request, ctx);
    if (received.kind !== 'parsed') return received.kind;
    received.parsed.events.forEach((event) => parseInbound(event));
    return 'parsed';
  } catch (error) {
    if (error instanceof MalformedRequest || error instanceof InvalidInput) return 'malformed';
    throw error;
  }
}

it(
  `survives ${BODIES} mutated callbacks: each is read, or refused in words`,
  () => {
    const chance = random(SEED);
    const seen: Record<string, number> = {};
    for (let i = 0; i < BODIES; i += 1) {
      const from = chance() < 0.1 ? HOSTILE : SEEDS;
      const body = mutated(from[Math.floor(chance() * from.length)]!, chance, {
        seeds: SEEDS,
        maxBytes: MAX_CALLBACK_BYTES,
      });
      let result: string;
      try {
        result = outcome(body);
      } catch (error) {
        throw new Error(`body ${i} of seed ${SEED} (${body.toString('base64').slice(0, 2_000)})`, { cause: error });
      }
      seen[result] = (seen[result] ?? 0) + 1;
      if (isPolluted()) throw new Error(`body ${i} of seed ${SEED} wrote to Object.prototype`);
    }
    expect(Object.keys(seen).sort()).toEqual(['malformed', 'parsed']);
    expect(seen['parsed']).toBeGreaterThan(BODIES / 50);
  },
  Math.max(60_000, BODIES),
);
