import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Deliveries } from '#conversations';
import type { Database } from '#database';
import { describeOnEmbedded } from '#database/testing';
import { builtinConnectors, Holdings } from '#helpdesk';
import { describeOnServer, openGate, type Gate, type Sink } from '#helpdesk/testing';
import { addressGuard, guardedDial } from '#transport';
import {
  addDestination,
  arrive,
  FakeDirectory,
  outboxCount,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  until,
} from '../../apps/gateway/src/relay/testing/harness.js';
import { engines, type Engine } from './engines.js';

const CUSTOMERS = Array.from({ length: 12 }, (_, i) => `+49${i}`);

/** A stream engine as destination, behind the relay and a real store, goes away in the middle (FAULTS A12, A13). */
describeOnEmbedded('stream engines as destinations', (open) => {
  let database: Database;
  let directory: FakeDirectory;
  let holdings: Holdings;
  let setup: Setup | undefined;
  let sink: Sink | undefined;
  let gate: Gate;
  let sent: number;

  beforeEach(async () => {
    database ??= await open(STORE);
    await reset(database);
    [directory, holdings, gate, sent] = [new FakeDirectory(), new Holdings(), await openGate(), 0];
    directory.follow(database);
    const dial = guardedDial(addressGuard(['127.0.0.1']));
    const plain = directory.connectorContext;
    directory.connectorContext = (destination, options) => ({
      ...plain(destination, options),
      ...{ dial, hold: (make) => holdings.hold(destination.id, destination.version, make) },
    });
  });
  afterEach(async () => {
    await setup?.stop();
    await holdings.close();
    await Promise.all([sink?.close(), gate.close()]);
    setup = sink = undefined;
  });

  async function begin({ type, start, config }: Engine): Promise<Sink> {
    const connector = builtinConnectors.find((one) => one.type === type)!;
    sink = await start(gate.port);
    gate.lead(sink.port);
    await addDestination(database, 'engine');
    const settings = { ...config(`127.0.0.1:${gate.port}`), confirmWithinMs: 1_000 };
    directory.addDestination('engine', connector as never, connector.config.parse(settings));
    setup = await startRelay(database, directory);
    return sink;
  }

  /** So many messages of each customer, numbered through. */
  async function write(each: number): Promise<void> {
    for (let i = 0; i < each; i += 1) {
      sent += 1;
      await arrive(database, ...CUSTOMERS.map((customer) => [customer, `${sent}`] as const));
    }
  }

  /** The numbers of each conversation as its reader has them who ignores repeats. */
  async function read(from: Sink): Promise<number[][]> {
    const seen = new Map<string, Map<string, number>>();
    for (const { key, id, body } of await from.taken()) {
      const text = (body as { data: { message: { text: string } } }).data.message.text;
      const known = seen.get(key) ?? new Map<string, number>();
      if (!known.has(id)) known.set(id, Number(text));
      seen.set(key, known);
    }
    return [...seen.values()].map((known) => [...known.values()]);
  }
  const everything = (): number[][] => CUSTOMERS.map(() => Array.from({ length: sent }, (_, i) => i + 1));

  for (const engine of engines)
    describeOnServer(engine.type, engine.missing, (title) =>
      describe(title, () => {
        it('nothing is lost and all stays in order when it is killed in the middle, and it goes on after its return', async () => {
          const server = await begin(engine);
          await write(4);
          const stopping = server.stop();
          await write(4);
          await stopping;
          await until(async () => (await outboxCount(database)) > 0, 'something waits');
          await server.start();
          await write(2);
          await settled(database);
          expect(await read(server)).toEqual(everything());
        });

        it('confirms nothing that it did not take, when the network swallows and cuts', async () => {
          const server = await begin(engine);
          await write(2);
          for (const mode of ['mute', 'reset', 'shut'] as const) {
            gate.set(mode);
            await write(1);
          }
          gate.set('open');
          await write(2);
          await settled(database);
          expect(await read(server)).toEqual(everything());
        });

        it('what it forgets is sent again from the store', async () => {
          const server = await begin(engine);
          await write(3);
          await settled(database);
          await server.stop(true);
          await server.start();
          await write(2);
          await settled(database);
          expect(await read(server)).toEqual(everything().map((numbers) => numbers.slice(3)));
          const count = await new Deliveries(database).replay('engine', { from: new Date(0).toISOString() });
          expect(count).toBe(sent * CUSTOMERS.length);
          await settled(database);
          const complete = (await read(server)).map((numbers) => [...numbers].sort((a, b) => a - b));
          expect(complete).toEqual(everything());
        });
      }),
    );
});
