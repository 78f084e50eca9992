import { Readable } from 'node:stream';
import { InboundEvent, type Handle, type OutboundUnit, type Part } from '#normalizer';
import {
  addressGuard,
  guardedDial,
  guardedHttp,
  receive,
  secretValues,
  type Exchange,
  type GuardedHttpOptions,
  type RawRequest,
  type Received,
} from '#transport';
import { fakeProvider, type FakeProvider, type LoggedRequest } from '#transport/testing';
import type { AdapterContext, ParsedRequest, VerifyContext, WebhookIngress } from '../core/adapter.js';
import type { Capabilities } from '../core/capabilities.js';
import { fit, type FitMessage } from '../core/fit.js';
import type { ChannelSubject } from './subject.js';

export type Which = 0 | 1;

/** Both accounts of a subject, each with a fake provider of its own, and everything that they traced. */
export interface Bench<C> {
  readonly providers: readonly [FakeProvider, FakeProvider];
  readonly traces: Exchange[];
  context(which: Which): AdapterContext<C>;
}

/** Sets a bench up, uses it and takes it down. `base`: another root than the fake provider's, such as one that is not there. */
export async function withBench<C, T>(
  subject: ChannelSubject<C>,
  options: { readonly http?: GuardedHttpOptions; readonly base?: string },
  use: (bench: Bench<C>) => Promise<T>,
): Promise<T> {
  const provide = subject.provide?.bind(subject) ?? fakeProvider;
  const providers = [await provide(subject.provider), await provide(subject.provider)] as const;
  const http = guardedHttp({ allow: ['127.0.0.1/32'], ...options.http });
  const traces: Exchange[] = [];
  const shared = new Map<string, Promise<string>>();
  const context = (which: Which): AdapterContext<C> => {
    const accountId = subject.accounts[which].id;
    const config = configOf(subject, which, options.base ?? providers[which].url);
    const keyed = (key: string) => `${accountId}:${key}`;
    return {
      accountId,
      config,
      session: undefined as never,
      callbackUrl: verifyContext(subject, which).publicUrl,
      http: http.traced({
        trace: (exchange) => traces.push(exchange),
        secrets: secretValues(subject.adapter.config, config),
      }),
      dial: guardedDial(addressGuard(['127.0.0.1/32']), options.http?.resolve),
      once: (key, _ttlMs, make) => {
        const value = shared.get(keyed(key)) ?? make();
        shared.set(keyed(key), value);
        value.catch(() => shared.delete(keyed(key)));
        return value;
      },
      forget: async (key) => void shared.delete(keyed(key)),
      remember: async (key, value) => void shared.set(keyed(key), Promise.resolve(value)),
      recall: async (key) => shared.get(keyed(key)),
      known: async () => [],
      openFile: async () => ({
        stream: Readable.from([FILE]),
        mimeType: 'image/png',
        bytes: FILE.length,
        name: 'a.png',
      }),
      fileUrl,
      now: () => subject.now,
      signal: new AbortController().signal,
    };
  };
  try {
    return await use({ providers, traces, context });
  } finally {
    await Promise.all([...providers.map((provider) => provider.close()), http.close()]);
  }
}

/** The bytes behind every file of the bench, and its URL. */
export const FILE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
export const fileUrl = (fileId: string): string => `https://files.example/${fileId}`;

export function configOf<C>(subject: ChannelSubject<C>, which: Which, base: string): C {
  return subject.adapter.config.parse(subject.accounts[which].config(base));
}

export function verifyContext<C>(subject: ChannelSubject<C>, which: Which, now = subject.now): VerifyContext<C> {
  const accountId = subject.accounts[which].id;
  const config = configOf(subject, which, 'https://api.example');
  return { accountId, config, publicUrl: `https://gateway.example/channels/${accountId}`, now };
}

/** The subject's webhook; throws where it has none. */
export function webhookOf<C>(subject: ChannelSubject<C>): WebhookIngress<C> {
  const { webhook } = subject.adapter.ingress;
  if (!webhook) throw new Error('the adapter has no webhook');
  return webhook;
}

/** A request as the provider would send it to this account. */
export function signed<C>(subject: ChannelSubject<C>, request: RawRequest, ctx: VerifyContext<C>): RawRequest {
  return subject.sign ? subject.sign(request, ctx) : request;
}

/** Signs a request for an account and takes it in. */
export function takeIn<C>(
  subject: ChannelSubject<C>,
  request: RawRequest,
  ctx: VerifyContext<C>,
): Received<ParsedRequest> {
  return receive(webhookOf(subject), signed(subject, request, ctx), ctx);
}

/** The events of a genuine request, defaults filled in. Throws where it is not taken. */
export function eventsOf<C>(subject: ChannelSubject<C>, request: RawRequest, ctx: VerifyContext<C>): InboundEvent[] {
  const received = takeIn(subject, request, ctx);
  if (received.kind !== 'parsed') throw new Error(`a genuine request is not parsed: ${JSON.stringify(received)}`);
  return received.parsed.events.map((event) => InboundEvent.parse(event));
}

/** What the first account can do. */
export function capabilitiesIn<C>(subject: ChannelSubject<C>): Capabilities {
  const { adapter } = subject;
  return adapter.capabilitiesOf?.(configOf(subject, 0, 'https://api.example')) ?? adapter.capabilities;
}

/** The units of a message, addressed to the subject's thread, with ids that are the same in every run. */
export function unitsOf<C>(subject: ChannelSubject<C>, message: FitMessage): OutboundUnit[] {
  const { adapter } = subject;
  return fit(message, capabilitiesIn(subject), { fileUrl, native: adapter.native?.bind(adapter) }).map((unit) => ({
    ...unit,
    id: `unt_conformance${unit.index}`,
    messageId: 'msg_conformance',
    thread: { id: 'thr_conformance', ...threadOf(subject) },
    idempotencyKey: `unt_conformance${unit.index}`,
    author: { name: 'Agent' },
  }));
}

export function textUnit<C>(subject: ChannelSubject<C>, text: string): OutboundUnit {
  const [unit] = unitsOf(subject, { parts: [{ type: 'text', text }] });
  if (!unit) throw new Error('fit() made no unit of a short text');
  return unit;
}

function threadOf<C>(subject: ChannelSubject<C>): { externalId: string; handles: readonly Handle[] } {
  if (subject.thread) return subject.thread;
  const cases = [...subject.inbound, ...(subject.polls ?? []), ...(subject.socketCases ?? [])];
  const events = cases.flatMap(({ events: golden }) => golden ?? []);
  for (const event of events.map((golden) => InboundEvent.parse(golden))) {
    if (event.kind === 'message') return { externalId: event.thread, handles: event.sender.handles };
  }
  throw new Error('no inbound case is a message; give the subject a thread');
}

/** The requests that handed something over, in order. */
export function sends<C>(subject: ChannelSubject<C>, provider: FakeProvider): LoggedRequest[] {
  return provider.requests.filter((request) => subject.isSend?.(request) ?? true);
}

/** Calls the adapter's `send`, over a connection of its own where it needs one; throws where it has none. */
export function sendOf<C>(subject: ChannelSubject<C>): NonNullable<ChannelSubject<C>['adapter']['send']> {
  const { adapter } = subject;
  const send = adapter.send?.bind(adapter);
  if (!send) throw new Error('the adapter has no send');
  const { socket } = adapter.ingress;
  if (!socket?.sends || !subject.provide) return send;
  return async (unit, ctx) => {
    const session = await socket.open(() => Promise.resolve([]), socketContext(ctx));
    try {
      return await send(unit, { ...ctx, session });
    } finally {
      await socket.close(session);
    }
  };
}

/** What a connection is opened with. */
export function socketContext<C>(ctx: AdapterContext<C>, lost: (error: Error) => void = () => undefined) {
  return { ...ctx, cursor: null, lost, report: () => Promise.resolve(true) };
}

/** Every text inside a request's body, query and headers, decoded: where a message may have been put. */
export function textsIn(request: LoggedRequest): string[] {
  const body = request.body.toString('utf8');
  const texts: string[] = [body, ...request.query.values(), ...new URLSearchParams(body).values()];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  try {
    walk(JSON.parse(body));
  } catch {
    // Not JSON: the body as it is was taken above.
  }
  return texts;
}

/** Kinds of parts, media as `media:image`. */
export function kindOf(part: Part): string {
  return part.type === 'media' ? `media:${part.kind}` : part.type;
}
