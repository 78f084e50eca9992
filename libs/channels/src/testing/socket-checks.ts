import { deepStrictEqual, equal, notEqual, ok } from 'node:assert/strict';
import { ProviderFailure, parseInbound, type InboundEvent, type InboundEventInput } from '#normalizer';
import { hostileBodies, isPolluted, type Check } from '#transport/testing';
import type { AdapterContext, Emit, SocketIngress, StoredEvent } from '../core/adapter.js';
import { socketContext, withBench } from './bench.js';
import type { ChannelSubject, SocketProvider } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;

/** An open connection of the first account, and what it gave out. */
interface Held {
  readonly provider: SocketProvider;
  readonly events: InboundEvent[];
  readonly lost: Error[];
  /** What storing does from now on. Default: it works. */
  storing(how: () => Promise<void>): void;
  /** Opens anew, as after a loss. */
  again(): Promise<void>;
}

const stored = (events: readonly InboundEventInput[]): StoredEvent[] =>
  events.map((event, i) => ({
    dedupeKey: 'dedupeKey' in event ? event.dedupeKey : '',
    id: `msg_${i}`,
    duplicate: false,
  }));

/** Opens a connection over the bench, uses it and closes it. */
function connected(subject: ChannelSubject, use: (held: Held) => Promise<void>): Promise<void> {
  return withBench(subject, {}, async ({ providers, context }) => {
    const socket = subject.adapter.ingress.socket as SocketIngress<unknown, unknown>;
    const [events, lost]: [InboundEvent[], Error[]] = [[], []];
    let store = (): Promise<void> => Promise.resolve();
    const emit: Emit = async (inputs) => {
      await store();
      events.push(...inputs.map((input) => parseInbound(input)));
      return stored(inputs);
    };
    const open = () =>
      socket.open(
        emit,
        socketContext(context(0) as AdapterContext<unknown>, (error) => void lost.push(error)),
      );
    let session = await open();
    try {
      await use({
        ...{ provider: providers[0] as SocketProvider, events, lost },
        storing: (how) => (store = how),
        again: async () => {
          await socket.close(session);
          session = await open();
        },
      });
    } finally {
      await socket.close(session);
    }
  });
}

/** A check for channels on a socket whose provider speaks. */
function check(name: string, use: (held: Held, subject: ChannelSubject) => Promise<void>): ChannelCheck {
  return {
    name,
    run: async (subject) => {
      if (subject.adapter.ingress.socket && subject.provide) await connected(subject, (held) => use(held, subject));
    },
  };
}

/** The event with its key as the golden one names it. */
function named(event: InboundEvent, golden: InboundEvent | undefined): InboundEvent {
  const pattern = golden ? keyOf(golden) : '';
  const keyed = isLike(keyOf(event), pattern) ? ({ ...event, dedupeKey: pattern } as InboundEvent) : event;
  if (keyed.kind !== 'message' || golden?.kind !== 'message') return keyed;
  const externalIds = keyed.externalIds.map((id, i) =>
    isLike(id, golden.externalIds[i] ?? '') ? golden.externalIds[i]! : id,
  );
  return { ...keyed, externalIds };
}

function isLike(name: string, pattern: string): boolean {
  return pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)) && name.length >= pattern.length;
}

function keyOf(event: InboundEvent): string {
  return 'dedupeKey' in event ? event.dedupeKey : '';
}

const golden = check('makes the expected events of every socket case', async (held, { socketCases = [] }) => {
  ok(socketCases.length > 0, 'there is no socket case');
  for (const one of socketCases) {
    held.events.length = 0;
    for (const octets of one.says) ok(await held.provider.say(octets), `${one.name}: it is not acknowledged`);
    const expected = one.events.map((event) => parseInbound(event));
    deepStrictEqual(
      held.events.map((event, i) => named(event, expected[i])),
      expected,
      one.name,
    );
  }
});

const commit = check('acknowledges what is said once it is stored, and not before', async (held, { socketTwins }) => {
  ok(socketTwins, 'the subject names no twins');
  let release = (): void => undefined;
  const storing = new Promise<void>((reached) =>
    held.storing(() => {
      reached();
      return new Promise((done) => (release = done));
    }),
  );
  let acknowledged: boolean | undefined;
  const said = held.provider.say(socketTwins[0]).then((answer) => (acknowledged = answer));
  await storing;
  for (let i = 0; i < 20; i += 1) await new Promise((done) => setImmediate(done));
  equal(acknowledged, undefined, 'it is acknowledged before it is stored');
  release();
  ok(await said, 'what is stored is not acknowledged');
});

const repeat = check(
  'gives what was not acknowledged the same dedupe key when it is said again, and what was said twice two',
  async (held, { socketTwins }) => {
    ok(socketTwins, 'the subject names no twins');
    const keys: string[] = [];
    const note = () => keys.push(...held.events.splice(0).map(keyOf));
    // Stored, and the connection lost before that could be said.
    held.storing(async () => {
      held.provider.cut();
      await lostOnce(held);
    });
    ok(!(await held.provider.say(socketTwins[0])), 'a connection that was cut acknowledges');
    while (held.events.length === 0) await soon();
    note();
    held.storing(() => Promise.resolve());
    await held.again();
    for (const octets of [socketTwins[0], socketTwins[1]]) {
      ok(await held.provider.say(octets), 'it is not acknowledged');
      note();
    }
    equal(keys[1], keys[0], 'what is said again has another key');
    notEqual(keys[2], keys[1], 'two messages are taken for one');
  },
);

const soon = () => new Promise((done) => setTimeout(done, 5));

async function lostOnce({ lost }: Held): Promise<void> {
  while (lost.length === 0) await soon();
}

const unstored = check('acknowledges nothing that could not be stored', async (held, { socketTwins }) => {
  ok(socketTwins, 'the subject names no twins');
  held.storing(() => Promise.reject(new Error('the database is away')));
  ok(!(await held.provider.say(socketTwins[0])), 'what could not be stored is acknowledged');
  held.storing(() => Promise.resolve());
  equal(held.lost.length, 0, 'the connection is lost for it');
  ok(await held.provider.say(socketTwins[0]), 'the connection is of no use afterwards');
});

const loss = check('tells of a lost connection once, and opens anew', async (held, { socketTwins }) => {
  ok(socketTwins, 'the subject names no twins');
  held.provider.cut();
  await lostOnce(held);
  await held.again();
  ok(await held.provider.say(socketTwins[0]), 'the new connection does not work');
  equal(held.lost.length, 1, 'it is told more than once');
});

const hostile = check(
  'survives what is empty, cut, huge and of other encodings',
  async (held, { socketCases = [] }) => {
    for (const { name, says } of socketCases) {
      for (const { name: what, body } of hostileBodies(says[0]!, 65_536)) {
        await Promise.race([held.provider.say(body), new Promise((done) => setTimeout(done, 30))]);
        ok(!isPolluted(), `${name}: what is ${what} wrote to Object.prototype`);
        held.provider.cut();
        await held.again();
      }
    }
  },
);

const refused: ChannelCheck = {
  name: 'open() is unauthorized where the provider refuses the credentials, and says no secret',
  run: (subject) => {
    const { socket } = subject.adapter.ingress;
    if (!socket || !subject.provide) return;
    return withBench(subject, {}, async ({ providers, context }) => {
      providers[0].answer(() => ({ status: 401 }));
      const failure = await socket
        .open(() => Promise.resolve([]), socketContext(context(0)))
        .then(
          () => null,
          (error: unknown) => error,
        );
      ok(failure instanceof ProviderFailure && failure.code === 'unauthorized', `it is ${String(failure)}`);
    });
  },
};

/** What comes in over a connection that is held open: golden events, acknowledgement, repeats, losses, hostile octets. */
export const socketChecks: readonly ChannelCheck[] = [golden, commit, repeat, unstored, loss, hostile, refused];
