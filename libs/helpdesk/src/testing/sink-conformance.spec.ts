import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { runCheck } from '#transport/testing';
import { Holdings } from '../core/holdings.js';
import type { HelpdeskConnector } from '../core/connector.js';
import { compliantSink, hand, lineOf, lineSubject, linkOf, openLine, type LineConfig } from './fake-sink.js';
import { conformance, helpdeskSinkChecks, type SinkSubject } from './index.js';

type Fake = HelpdeskConnector<LineConfig>;
const delivering = (deliver: Fake['deliver']): Fake => ({ ...compliantSink, deliver });
const shared = new Holdings();

/** Each broken in one way, and the check that must find it. */
const broken: [string, Fake, string][] = [
  [
    'waits for no confirmation',
    delivering(async (events, ctx) => {
      const connection = await linkOf(ctx).get();
      for (const event of events) connection.say(lineOf(event, ctx.replay)).catch(() => undefined);
      return {};
    }),
    'deliver: a confirmation that does not come is outcome-unknown',
  ],
  [
    'dials by itself',
    delivering(async (events, ctx) => {
      const connection = await openLine(ctx, ({ host, port }) => connect(port, host));
      for (const event of events) await hand(event, ctx, connection);
      await connection.close();
      return {};
    }),
    'deliver: a blocked address is config-invalid',
  ],
  [
    'opens a connection for each delivery',
    delivering(async (events, ctx) => {
      const connection = await openLine(ctx);
      for (const event of events) await hand(event, ctx, connection);
      await connection.close();
      return {};
    }),
    'serves many conversations at the same time over few connections, each in order, nothing lost',
  ],
  [
    'hands events over backwards',
    delivering((events, ctx) => compliantSink.deliver([...events].reverse(), ctx)),
    'hands events over whole and in order, keyed by the conversation and named by their ids',
  ],
  [
    'goes on after an event that failed',
    delivering(async (events, ctx) => {
      const connection = await linkOf(ctx).get();
      const outcomes = await Promise.allSettled(events.map((event) => hand(event, ctx, connection)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      return {};
    }),
    'does not go past an event that the system refuses',
  ],
  [
    'gives replays no mark',
    delivering((events, ctx) => compliantSink.deliver(events, { ...ctx, replay: false })),
    'repeats an event under the same id; a replay arrives although it is a repeat, and is marked',
  ],
  [
    'keys everything by the event',
    delivering((events, ctx) =>
      compliantSink.deliver(
        events.map((event) => ({ ...event, data: null })),
        ctx,
      ),
    ),
    'keys what has no conversation by its contact or account',
  ],
  [
    'keeps one connection for all destinations, for ever',
    delivering((events, ctx) =>
      compliantSink.deliver(events, { ...ctx, hold: (open) => shared.hold('all', '1', open) }),
    ),
    'does not mix two destinations that are served at the same time',
  ],
  [
    'takes an outage for success',
    delivering((events, ctx) => compliantSink.deliver(events, ctx).catch(() => ({}))),
    'loses nothing when the system goes away and comes back, and goes on by itself',
  ],
  [
    'never connects again',
    delivering(async (events, ctx) => {
      const held = ctx.hold(() => {
        const connection = openLine(ctx);
        return { connection, close: async () => (await connection).close() };
      });
      for (const event of events) await hand(event, ctx, await held.connection);
      return {};
    }),
    'opens a connection anew that was lost while idle, and closes what it holds at the end',
  ],
  [
    'throws errors of its own',
    delivering(async (events, ctx) => compliantSink.deliver(events, ctx).catch(() => Promise.reject(new Error('no')))),
    'deliver: a refused connection is unavailable',
  ],
  [
    'tells its key',
    delivering((events, ctx) =>
      compliantSink.deliver(events, ctx).catch((error: ProviderFailure) => {
        throw new ProviderFailure(error.code, `${error.message} (as ${ctx.config.key})`);
      }),
    ),
    'lets no secret into errors or health',
  ],
  [
    'writes into the stream to find out whether it can',
    {
      ...compliantSink,
      async check(ctx) {
        await compliantSink.deliver([{ id: 'evt_probe', type: 'typing.started', timestamp: '', sequence: null, data: null }], ctx); // prettier-ignore
        return { ok: true, detail: 'An event went through, and so the server is well.' };
      },
    },
    'check() answers in words, never throws, and puts nothing into the stream',
  ],
];

conformance(lineSubject());

describe('the conformance suite of connectors to sinks', () => {
  it.each(broken)('finds the connector that %s', async (_how, connector, name) => {
    const check = helpdeskSinkChecks.find((candidate) => candidate.name === name);
    if (!check) throw new Error(`there is no check "${name}"`);
    await expect(runCheck(check, lineSubject(connector) as unknown as SinkSubject)).rejects.toThrow();
    await shared.close();
  });

  it('has checks with different names', () => {
    expect(new Set(helpdeskSinkChecks.map(({ name }) => name)).size).toBe(helpdeskSinkChecks.length);
  });
});
