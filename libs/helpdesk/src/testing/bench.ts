import { Readable } from 'node:stream';
import type { StreamEvent } from '#normalizer';
import {
  addressGuard,
  guardedDial,
  guardedHttp,
  secretValues,
  type Exchange,
  type GuardedHttpOptions,
} from '#transport';
import { fakeProvider, type FakeProvider, type LoggedRequest } from '#transport/testing';
import type { ConnectorContext, ConnectorVerifyContext } from '../core/connector.js';
import { Holdings } from '../core/holdings.js';
import type { ConnectorSubject } from './subject.js';
import { ticketBook } from './ticket-book.js';

export type Which = 0 | 1;

/** Both destinations of a subject, each with a fake ticket system of its own, and everything that they traced. */
export interface Bench<C> {
  readonly systems: readonly [FakeProvider, FakeProvider];
  readonly traces: Exchange[];
  context(which: Which, changes?: Partial<ConnectorContext<C>>): ConnectorContext<C>;
}

export interface BenchOptions {
  readonly http?: GuardedHttpOptions;
  /** Another root than the fake system's, such as one that is not there. */
  readonly base?: string;
}

/** Sets a bench up, uses it and takes it down. */
export async function withBench<C, T>(
  subject: ConnectorSubject<C>,
  options: BenchOptions,
  use: (bench: Bench<C>) => Promise<T>,
): Promise<T> {
  const systems = [await fakeProvider(subject.system), await fakeProvider(subject.system)] as const;
  const http = guardedHttp({ allow: ['127.0.0.1/32'], ...options.http });
  const dial = guardedDial(addressGuard(options.http?.allow ?? ['127.0.0.1/32']), options.http?.resolve);
  const holdings = new Holdings();
  const traces: Exchange[] = [];
  const context: Bench<C>['context'] = (which, changes) => {
    const config = configOf(subject, which, options.base ?? systems[which].url);
    return {
      destinationId: subject.destinations[which].id,
      config,
      http: http.traced({ trace: (exchange) => traces.push(exchange), secrets: secretsOf(subject, which) }),
      dial,
      hold: (open) => holdings.hold(subject.destinations[which].id, '1', open),
      replay: false,
      ...ticketBook(),
      signingSecrets: subject.destinations[which].signingSecrets,
      openFile: async () => ({
        stream: Readable.from([FILE]),
        mimeType: 'image/png',
        bytes: FILE.length,
        name: 'a.png',
      }),
      now: () => subject.now,
      signal: new AbortController().signal,
      ...changes,
    };
  };
  try {
    return await use({ systems, traces, context });
  } finally {
    await holdings.close();
    await Promise.all([...systems.map((system) => system.close()), http.close()]);
  }
}

/** The bytes behind every file of the bench. */
export const FILE = Buffer.from('the bytes of a file');

export function configOf<C>(subject: ConnectorSubject<C>, which: Which, base = 'https://api.example'): C {
  return subject.connector.config.parse(subject.destinations[which].config(base));
}

/** Every secret of a destination: those of its settings, and those that sign. */
export function secretsOf<C>(subject: ConnectorSubject<C>, which: Which): string[] {
  const values = secretValues(subject.connector.config, configOf(subject, which));
  return [...new Set([...values, ...subject.destinations[which].signingSecrets])];
}

export function verifyContext<C>(subject: ConnectorSubject<C>, which: Which): ConnectorVerifyContext<C> {
  const destinationId = subject.destinations[which].id;
  const publicUrl = `https://gateway.example/destinations/${destinationId}/callback`;
  return { destinationId, config: configOf(subject, which), publicUrl, now: subject.now };
}

/** The requests that handed events over, in order. */
export function deliveries<C>(subject: ConnectorSubject<C>, system: FakeProvider): LoggedRequest[] {
  return system.requests.filter((request) => subject.isDelivery?.(request) ?? true);
}

/** A customer's message as an event of the stream, the `sequence`th of its conversation. */
export function messageEvent(sequence: number, text: string, conversationId = 'cnv_conformance'): StreamEvent {
  const at = '2026-11-21T09:30:00.000Z';
  const thread = { id: 'thr_1', accountId: 'sms', channel: 'http' };
  return {
    id: `evt_${conversationId.slice(4)}${sequence}`,
    type: 'message.received',
    timestamp: at,
    sequence,
    data: {
      conversation: {
        id: conversationId,
        status: 'open',
        subject: null,
        priority: 'normal',
        queue: null,
        tags: [],
        metadata: {},
        threads: [thread],
        references: [],
      },
      contact: { id: 'con_1', name: '王芳', handles: [], company: null, crm: null },
      account: { id: 'sms', channel: 'http', name: null },
      message: {
        id: `msg_${sequence}`,
        conversationId,
        threadId: 'thr_1',
        sequence,
        direction: 'inbound',
        author: { kind: 'contact', id: 'con_1', name: '王芳' },
        parts: [{ type: 'text', text }],
        text,
        replyTo: null,
        status: 'received',
        occurredAt: at,
        receivedAt: at,
        externalIds: [],
      },
    },
  };
}
