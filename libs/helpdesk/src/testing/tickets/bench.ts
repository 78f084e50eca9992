import { ok } from 'node:assert/strict';
import type { StreamEvent } from '#normalizer';
import { guardedHttp, guardedDial, addressGuard, receive, type Exchange, type RawRequest } from '#transport';
import { fakeProvider, type LoggedRequest } from '#transport/testing';
import { Readable } from 'node:stream';
import type { ConnectorContext, HelpdeskAction, TicketReference } from '../../core/connector.js';
import { Holdings } from '../../core/holdings.js';
import { FILE, configOf, secretsOf, verifyContext, type Which } from '../bench.js';
import { sharedValues, ticketBook } from '../ticket-book.js';
import { asConnectorSubject } from './adapted.js';
import type { Fate, FakeTicketSystem, SeenTicket, TicketSubject } from './subject.js';

/** One destination with a fake system of its own, and what the gateway keeps of it. */
export interface Desk<C> {
  readonly system: FakeTicketSystem;
  /** Requests that came, where the system speaks HTTP. */
  readonly requests: readonly LoggedRequest[];
  /** How many writes came. */
  readonly writes: number;
  readonly book: Map<string, TicketReference>;
  readonly traces: readonly Exchange[];
  /** What becomes of the `nth` write from now on, from 0; default: it passes. `conflict`: a system that speaks HTTP answers 409. */
  fate(nth: number, fate: Fate | 'conflict'): void;
  context(changes?: Partial<ConnectorContext<C>>): ConnectorContext<C>;
  /** Hands events over once, in the batches that the connector takes. */
  deliver(events: readonly StreamEvent[], changes?: Partial<ConnectorContext<C>>): Promise<void>;
  /** Hands them over as the relay does: what failed is tried again, unsure, until it is taken. */
  persist(events: readonly StreamEvent[]): Promise<void>;
  /** What agents did, as the connector tells it: of this callback, and of a poll. */
  learn(callback?: RawRequest | null): Promise<HelpdeskAction[]>;
  /** The only ticket. */
  ticket(): SeenTicket;
}

/** Sets up two desks, uses them and takes them down. */
export async function withDesks<C, T>(
  subject: TicketSubject<C>,
  use: (first: Desk<C>, second: Desk<C>) => Promise<T>,
): Promise<T> {
  const http = guardedHttp({ allow: ['127.0.0.1/32'], limits: { answerMs: 5_000, totalMs: 6_000 } });
  const holdings = new Holdings();
  const open = [];
  try {
    for (const which of [0, 1] as const) open.push(await openDesk(subject, which, { http, holdings }));
    const [first, second] = open as [(typeof open)[0], (typeof open)[0]];
    return await use(first.desk, second.desk);
  } finally {
    await holdings.close();
    await Promise.all([...open.map(({ close }) => close()), http.close()]);
  }
}

async function openDesk<C>(
  subject: TicketSubject<C>,
  which: Which,
  { http, holdings }: { http: ReturnType<typeof guardedHttp>; holdings: Holdings },
): Promise<{ desk: Desk<C>; close(): Promise<void> }> {
  const system = subject.system(which);
  const fates = new Map<number, Fate | 'conflict'>();
  let writes = 0;
  const fate = () => fates.get(writes++) ?? 'pass';
  const served = subject.serve
    ? { ...(await subject.serve(system, fate as () => Fate)), requests: [] }
    : await serveHttp(system, fate);
  const adapted = asConnectorSubject(subject);
  const book = new Map<string, TicketReference>();
  const shared = sharedValues();
  const traces: Exchange[] = [];
  const context: Desk<C>['context'] = (changes) => ({
    destinationId: subject.destinations[which].id,
    config: configOf(adapted, which, served.base),
    http: http.traced({ trace: (exchange) => traces.push(exchange), secrets: secretsOf(adapted, which) }),
    dial: guardedDial(addressGuard(['127.0.0.1/32'])),
    hold: (make) => holdings.hold(subject.destinations[which].id, '1', make),
    replay: false,
    ...ticketBook(book),
    ...shared,
    signingSecrets: subject.destinations[which].signingSecrets,
    openFile: async () => ({ stream: Readable.from([FILE]), mimeType: 'image/png', bytes: FILE.length, name: 'a.png' }),
    now: () => subject.now,
    signal: new AbortController().signal,
    ...changes,
  });
  const { connector } = subject;
  const { batch } = connector.capabilities;
  const deliver: Desk<C>['deliver'] = async (events, changes) => {
    for (let at = 0; at < events.length; at += batch)
      await connector.deliver(events.slice(at, at + batch), context(changes));
  };
  let cursor: string | null = connector.poll ? (await connector.poll.poll(null, context())).cursor : null;
  const desk: Desk<C> = {
    system,
    requests: served.requests,
    get writes() {
      return writes;
    },
    book,
    traces,
    fate: (nth, what) => void fates.set(writes + nth, what),
    context,
    deliver,
    async persist(events) {
      for (let at = 0; at < events.length; at += batch) {
        const some = events.slice(at, at + batch);
        for (let tries = 0; ; tries += 1) {
          ok(tries < 10, 'it does not come to an end');
          if (await connector.deliver(some, context({ unsure: tries > 0 })).then(() => true, isFailure)) break;
        }
      }
    },
    async learn(callback) {
      const actions: HelpdeskAction[] = callback ? await takeIn(subject, which, callback) : [];
      for (let more = connector.poll !== undefined; more;) {
        const page = await connector.poll!.poll(cursor, context());
        actions.push(...page.actions);
        cursor = page.cursor;
        more = page.more ?? false;
      }
      return [...new Map(actions.map((action) => [action.dedupeKey, action])).values()];
    },
    ticket() {
      const [ticket, ...others] = system.tickets();
      ok(ticket, 'there is no ticket');
      ok(others.length === 0, `there are ${others.length + 1} tickets instead of one`);
      return ticket;
    },
  };
  return { desk, close: () => served.close() };
}

function isFailure(error: unknown): false {
  if (error instanceof Error && (error.name === 'ProviderFailure' || error.name === 'DeliveryRefused')) return false;
  throw error;
}

async function serveHttp(system: FakeTicketSystem, fate: () => Fate | 'conflict') {
  const provider = await fakeProvider((request) => {
    const what = system.isWrite(request) ? fate() : 'pass';
    if (what === 'before') return 'reset';
    if (what === 'conflict') return { status: 409, body: { errors: ['conflict'] } };
    const answer = system.respond(request);
    return what === 'after' ? 'reset' : answer;
  });
  return { base: provider.url, requests: provider.requests, close: () => provider.close() };
}

async function takeIn<C>(subject: TicketSubject<C>, which: Which, request: RawRequest): Promise<HelpdeskAction[]> {
  const { callback } = subject.connector;
  ok(callback && subject.sign, 'the system calls back, and there is no callback or no sign()');
  const ctx = verifyContext(asConnectorSubject(subject), which);
  const received = receive(callback, subject.sign(request, ctx), ctx);
  ok(received.kind === 'parsed', `a genuine callback is not taken: ${JSON.stringify(received)}`);
  return [...received.parsed.actions];
}
