import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Intake, layNotice, type ChannelDirectory } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { type OutboundUnit, parseInbound, ProviderFailure } from '#normalizer';
import { Desk, post } from './testing/desk.js';
import { FakeDirectory, outboxCount, reset, settled, type Setup, startRelay, STORE } from './testing/harness.js';

const channels = {
  fit: (_: string, { parts }: { parts: readonly { text: string }[] }) =>
    parts.map(({ text }, index) => ({ index, count: parts.length, parts, text })),
} as unknown as ChannelDirectory;
const MINUTE = 60_000;
const TO = { scheme: 'phone', scope: '', value: '+8613800138000', proof: 'claimed' } as const;

describeOnEveryDatabase('a notice, which belongs to no conversation,', (open) => {
  let database: Database;
  let desk: Desk;
  let setup: Setup;
  let answer: (unit: OutboundUnit) => Promise<void> | void;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    await database.query('truncate unit, external_ref, early_receipt, inbox, poison, thread');
    await database.query(
      `insert into account (id, type, config, continuity) values ('sms', 'fake', '{}', 'contact') on conflict do nothing`,
    );
    desk.calls.length = 0;
    answer = () => undefined;
    const directory = new FakeDirectory();
    directory.addAccount('sms', {
      type: 'fake',
      capabilities: { idempotentSend: false, rate: null } as never,
      ingress: {},
      async send(unit: OutboundUnit, { signal }: { signal: AbortSignal }) {
        await post(desk.url, { id: unit.id, body: unit, signal });
        await answer(unit);
        return { externalIds: [`x-${unit.id}`] };
      },
    } as never);
    setup = await startRelay(database, directory);
  });
  afterEach(() => setup.stop());

  async function lay(more: { expiresAt?: Date; wanted?: boolean } = {}): Promise<void> {
    const parts = [{ type: 'text' as const, text: 'Your code is 123456' }];
    const notice = { accountId: 'sms', to: TO, parts, wanted: true, ...more };
    const { expiresAt = new Date(Date.now() + MINUTE) } = more;
    await database.transaction((sql) => layNotice(sql, channels, { ...notice, expiresAt }));
    database.hint('outbox');
  }

  const sent = () => desk.calls.map(({ event }) => event as unknown as OutboundUnit);
  const count = async (table: string) =>
    (await database.query<{ n: number }>(`select count(*)::int as n from ${table}`))[0]!.n;

  it('goes out once, to the handle, and leaves nothing behind: no contact, thread, message, event, and no word of it', async () => {
    await lay();
    await settled(database);
    expect(sent()).toMatchObject([
      { text: 'Your code is 123456', notice: true, thread: { externalId: TO.value, handles: [TO] } },
    ]);
    for (const table of ['contact', 'handle', 'thread', 'conversation', 'message', 'event', 'unit', 'outbox'])
      expect([table, await count(table)]).toEqual([table, 0]);
  });

  it('does not go out after its time', async () => {
    await lay({ expiresAt: new Date(Date.now() - 1) });
    await settled(database);
    expect(sent()).toEqual([]);
    expect([await count('unit'), await outboxCount(database)]).toEqual([0, 0]);
  });

  it('is not laid where nothing is to be sent, and not for who opted out on that account', async () => {
    await lay({ wanted: false });
    await database.query(
      `insert into thread (id, account_id, external_id, contact_id, opted_out_at) values ('thr_1', 'sms', $1, 'con_1', now())`,
      [TO.value],
    );
    await lay();
    expect([await count('unit'), await outboxCount(database)]).toEqual([0, 0]);
  });

  it('is tried again where nothing was handed over, and nothing that the provider said is kept', async () => {
    let left = 1;
    const kept: unknown[] = [];
    answer = async () => {
      if (left-- > 0) throw new ProviderFailure('unavailable', 'cannot send "Your code is 123456"');
      kept.push(...(await database.query('select failure from outbox')));
    };
    await lay();
    await settled(database);
    expect(sent()).toHaveLength(2);
    expect(kept).toMatchObject([{ failure: { code: 'unavailable', message: 'a notice was not sent: unavailable' } }]);
  });

  it('that failed for good is gone as well', async () => {
    answer = () => {
      throw new Error('a fault of the adapter, with 123456');
    };
    await lay();
    await settled(database);
    expect([sent().length, await count('unit'), await count('event')]).toEqual([1, 0, 0]);
  });

  it('has receipts like everything that is sent, before and after it is settled, and none of them is set aside', async () => {
    const intake = new Intake(database);
    const receipt = (externalId: string, n: number) =>
      intake.accept('sms', [
        parseInbound({ kind: 'receipt', dedupeKey: `${externalId}-${n}`, externalId, status: 'delivered' }),
      ]);
    answer = async (unit) => void (await Promise.all([receipt(`x-${unit.id}`, 1), receipt(unit.id, 1)]));
    await lay();
    await settled(database);
    const [{ id }] = sent() as [OutboundUnit];
    await receipt(`x-${id}`, 2);
    await receipt(id, 2);
    expect([await count('early_receipt'), await count('event'), await count('poison'), await count('unit')]).toEqual([
      0, 0, 0, 0,
    ]);
  });
});
