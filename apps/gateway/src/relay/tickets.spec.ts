import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Deliveries } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { HelpdeskConnector } from '#helpdesk';
import { ProviderFailure } from '#normalizer';
import {
  addDestination,
  arrive,
  FakeDirectory,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
} from './testing/harness.js';

interface Call {
  readonly texts: readonly (string | undefined)[];
  readonly unsure: boolean;
}

describeOnEveryDatabase('the relay delivers to ticket systems', (open) => {
  let database: Database;
  let setup: Setup | undefined;
  let calls: Call[];
  let fail: (call: Call) => Error | undefined;

  const connector = (
    batch: number,
    gatherMs?: number,
  ): Pick<HelpdeskConnector, 'type' | 'capabilities' | 'deliver'> => ({
    type: 'desk',
    capabilities: { kind: 'tickets', batch, replies: ['poll'], maxAttachmentBytes: 0, ...(gatherMs && { gatherMs }) },
    async deliver(events, { unsure }) {
      const call = { texts: events.map(({ data }) => data?.message?.text), unsure };
      calls.push(call);
      const error = fail(call);
      if (error) throw error;
      return {};
    },
  });

  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(async () => {
    await reset(database);
    [calls, fail] = [[], () => undefined];
    await addDestination(database, 'hd');
  });
  afterEach(async () => {
    await setup?.stop();
    setup = undefined;
  });

  async function start(batch = 1, gatherMs?: number): Promise<void> {
    const directory = new FakeDirectory();
    directory.addDestination('hd', connector(batch, gatherMs) as never, {});
    setup = await startRelay(database, directory);
  }
  const unsure = () => calls.map((call) => `${call.texts.join()} ${call.unsure ? 'unsure' : 'sure'}`);

  it('and says that it is sure of what came while it runs, unsure of what failed before, was laid before its time, or is replayed', async () => {
    await arrive(database, ['+1', 'before']);
    await start();
    await settled(database);
    await arrive(database, ['+1', 'fresh']);
    await settled(database);
    fail = (call) =>
      calls.filter(({ texts }) => texts[0] === call.texts[0]).length === 1
        ? new ProviderFailure('outcome-unknown', 'no answer')
        : undefined;
    await arrive(database, ['+1', 'failing']);
    await settled(database);
    fail = () => undefined;
    await new Deliveries(database).replay('hd', { from: '2020-01-01T00:00:00Z' });
    await settled(database);
    expect(unsure()).toEqual([
      'before unsure',
      'fresh sure',
      'failing sure',
      'failing unsure',
      'before unsure',
      'fresh unsure',
      'failing unsure',
    ]);
  });

  it('and tries one by one, unsure, what failed together', async () => {
    await start(10, 400);
    await arrive(database, ['+1', 'warm']);
    await settled(database);
    fail = ({ texts }) => (texts.length > 1 ? new ProviderFailure('content-refused', 'no') : undefined);
    await arrive(database, ['+1', 'a'], ['+1', 'b']);
    await settled(database);
    expect(unsure().slice(1)).toEqual(['a,b sure', 'a unsure', 'b unsure']);
  });

  it('and gathers lines that follow each other, of one conversation each', async () => {
    await start(10, 700);
    await arrive(database, ['+1', 'one']);
    await arrive(database, ['+1', 'two'], ['+2', 'other']);
    await arrive(database, ['+1', 'three']);
    await settled(database);
    expect(calls.map(({ texts }) => texts.join()).sort()).toEqual(['one,two,three', 'other']);
  });
});
