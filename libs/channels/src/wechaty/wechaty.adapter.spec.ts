import type { InboundEventInput } from '#normalizer';
import { types } from 'wechaty-puppet';
import type { ChannelAdapter } from '../core/adapter.js';
import { conformance, FILE, type ChannelSubject, type SocketCase } from '../testing/index.js';
import { FakeNetwork, FakePuppet, said, SELF, type FakeMessage } from './testing/fake-network.js';
import { wechatyChannel } from './wechaty.adapter.js';
import type { WechatyConfig } from './wechaty.config.js';
import type { WechatySession } from './wechaty.session.js';

const { Message } = types;
const to = 'wxid_alice';
const time = '2025-11-21T09:23:20.000Z';
const alice = { name: 'alice', handles: [{ scheme: 'wechat-wxid', scope: '', value: to, proof: 'channel' as const }] };

const received = (id: string, parts: unknown[], more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: `message:${id}`, thread: to, sender: alice, from: 'contact', parts },
    ...{ externalIds: [id], occurredAt: time, ...more },
  }) as InboundEventInput;

const one = (name: string, message: FakeMessage, ...parts: unknown[]): SocketCase => ({
  name,
  says: [said(message)],
  events: [received(message.id, parts)],
});
const held = (kind: string, mimeType: string, ref: string) => ({
  type: 'media',
  kind,
  mimeType,
  ref,
  state: 'pending',
});

/** As the adapter is, only that the network hears what was stored of what it said. */
function observed(): ChannelAdapter<WechatyConfig, WechatySession> {
  const channel = wechatyChannel(async () => ({ default: FakePuppet }));
  const socket = channel.ingress.socket!;
  const heard = async (network: string, work: () => Promise<never>): Promise<never> => {
    const tell = (stored: boolean) => FakeNetwork.at(network)?.noted(stored);
    try {
      const stored = await work();
      tell(true);
      return stored;
    } catch (error) {
      tell(false);
      throw error;
    }
  };
  return {
    ...channel,
    ingress: {
      socket: {
        ...socket,
        open: (emit, ctx) =>
          socket.open(
            (events) => heard(String(ctx.config.puppetOptions['network']), () => emit(events) as Promise<never>),
            ctx,
          ),
      },
    },
  };
}

const subject: ChannelSubject<WechatyConfig> = {
  adapter: observed() as never,
  now: Date.parse('2026-11-21T09:30:00Z'),
  accounts: (['first', 'other'] as const).map((id) => ({
    id,
    config: (network: string) => ({
      ...{ acceptRisk: true, puppet: 'wechaty-puppet-fake', timeoutMs: 1_000, rooms: true },
      ...{ puppetOptions: { network }, credentials: { token: `token-of-${id}` } },
    }),
  })) as never,
  provide: async (responder) => new FakeNetwork(responder),
  provider: () => ({ body: { id: 'out-1' } }),
  isSend: ({ path }) => path.startsWith('/messageSend'),
  inbound: [],
  socketCases: [
    one('a text', { id: 'm1', text: '包裹到哪了？😀' }, { type: 'text', text: '包裹到哪了？😀' }),
    one('a time in milliseconds', { id: 'm2', text: 'hi', timestamp: 1_763_717_000_000 }, { type: 'text', text: 'hi' }),
    one('a picture', { id: 'm3', type: Message.Image }, held('image', 'image/jpeg', 'm3')),
    one('a voice', { id: 'm4', type: Message.Audio }, held('voice', 'audio/silk', 'm4')),
    one('a video', { id: 'm5', type: Message.Video }, held('video', 'video/mp4', 'm5')),
    one(
      'a file',
      { id: 'm6', type: Message.Attachment, filename: '合同.pdf' },
      {
        ...held('file', 'application/octet-stream', 'm6'),
        name: '合同.pdf',
      },
    ),
    one('a sticker', { id: 'm7', type: Message.Emoticon }, held('sticker', 'image/gif', 'm7')),
    one(
      'a location',
      {
        id: 'm8',
        type: Message.Location,
        about: { latitude: 39.9, longitude: 116.3, name: '门店', address: '成府路45号' },
      },
      { type: 'location', latitude: 39.9, longitude: 116.3, name: '门店', address: '成府路45号' },
    ),
    one(
      'a link',
      {
        id: 'm9',
        type: Message.Url,
        about: { url: 'https://x.example/a', title: 'A', description: 'B', thumbnailUrl: 'none' },
      },
      { type: 'link', url: 'https://x.example/a', title: 'A', description: 'B' },
    ),
    one(
      'a mini program',
      { id: 'm10', type: Message.MiniProgram, about: { title: '商城', description: '下单' } },
      { type: 'card', title: '商城', text: '下单', actions: [] },
    ),
    one(
      'a contact card',
      { id: 'm11', type: Message.Contact, about: 'wxid_bob' },
      { type: 'contact-card', name: 'bob', handles: [{ scheme: 'wechat-wxid', value: 'wxid_bob' }] },
    ),
    one(
      'a red envelope',
      { id: 'm12', type: Message.RedEnvelope },
      { type: 'unsupported', providerType: 'RedEnvelope' },
    ),
    {
      name: 'a text in a group',
      says: [said({ id: 'm13', text: 'hi', roomId: '1@chatroom' })],
      events: [
        received('m13', [{ type: 'text', text: 'hi' }], {
          thread: 'room:1@chatroom',
          sender: {
            ...{ name: 'alice', group: '采购群', member: { scheme: 'wechat-wxid', scope: '', value: to } },
            handles: [{ scheme: 'wechaty-room', scope: 'first', value: '1@chatroom', proof: 'channel' }],
          },
        }),
      ],
    },
    {
      name: 'an answer that was written on the phone',
      says: [said({ id: 'm14', text: '您好', talkerId: SELF, listenerId: to })],
      events: [
        received('m14', [{ type: 'text', text: '您好' }], { from: 'agent', sender: { ...alice, name: 'self' } }),
      ],
    },
    {
      name: 'a recall',
      says: [said({ id: 'm15', type: Message.Recalled, text: 'm1' })],
      events: [
        {
          ...{ kind: 'deleted', dedupeKey: 'recalled:m15:m1', externalId: 'm1', thread: to, sender: alice },
          occurredAt: time,
        },
      ],
    },
  ],
  socketTwins: [said({ id: 't1', text: 'ok' }), said({ id: 't2', text: 'ok' })],
  outbound: [
    {
      name: 'a text',
      message: { parts: [{ type: 'text', text: '您好 😀' }] },
      requests: [{ path: '/messageSendText', json: { to, text: '您好 😀' } }],
      externalIds: [['out-1']],
    },
    {
      name: 'files',
      message: {
        parts: (['image/png', 'video/mp4', 'application/pdf'] as const).map((mimeType, i) => ({
          ...{ type: 'media', kind: (['image', 'video', 'file'] as const)[i]!, mimeType, fileId: `fil_${i}` },
          ...{ state: 'ready', bytes: FILE.length, name: `${i}.bin` },
        })),
      },
      requests: [0, 1, 2].map((i) => ({
        path: '/messageSendFile',
        json: { to, name: `${i}.bin`, bytes: FILE.toString('base64') },
      })),
    },
    {
      name: 'a link',
      message: { parts: [{ type: 'link', url: 'https://x.example/a', title: 'A' }] },
      requests: [
        {
          path: '/messageSendUrl',
          json: { to, url: 'https://x.example/a', title: 'A', description: '', thumbnailUrl: '' },
        },
      ],
    },
    {
      name: 'a location',
      message: { parts: [{ type: 'location', latitude: 39.9, longitude: 116.3, name: '门店' }] },
      requests: [
        {
          path: '/messageSendLocation',
          json: { to, latitude: 39.9, longitude: 116.3, name: '门店', address: '门店', accuracy: 0 },
        },
      ],
    },
  ],
  refusals: [
    { name: 'INVALID_ARGUMENT', answer: { body: { code: 3 } }, code: 'content-refused' },
    { name: 'NOT_FOUND', answer: { body: { code: 5 } }, code: 'recipient-gone' },
    { name: 'RESOURCE_EXHAUSTED', answer: { body: { code: 8 } }, code: 'throttled' },
    { name: 'UNIMPLEMENTED', answer: { body: { code: 12 } }, code: 'content-refused' },
    { name: 'INTERNAL', answer: { body: { code: 13 } }, code: 'outcome-unknown' },
  ],
  waivers: [
    {
      check: 'send: 429 is throttled, for as long as Retry-After says',
      reason: 'a puppet may say that it is throttled, and not for how long: core backs off',
    },
  ],
};

conformance(subject);
