import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { Failure } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { NotFound } from '../ports.js';
import { addAccount, addDestination, message, STORE } from '../testing/store.js';
import { Deliveries } from './deliveries.js';
import type { Entry, Result } from './entry.js';
import { type Lease, Leases } from './leases.js';
import { Outbox } from './outbox.js';
import { forgetOrphans, prune } from './retention.js';
import { Settler } from './settler.js';

const ALL = Array.from({ length: 64 }, (_, partition) => partition);
const NAMES = ALL.map((partition) => `outbox:${partition}`);
const FAILURE: Failure = {
  code: 'content-refused',
  providerCode: '422',
  message: 'no',
  retryable: false,
  owner: 'agent',
};

describeOnEveryDatabase('deliveries', (open) => {
  let database: Database;
  let leases: Leases;
  let held: Lease[];
  let settler: Settler;
  let outbox: Outbox;
  let deliveries: Deliveries;
  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(async () => {
    await database.query(
      'truncate account, destination, thread, conversation, conversation_thread, message, inbox, event, outbox, delivery, reference, lease, contact, handle',
    );
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'hd', events: ['message.received'] });
    leases = new Leases(database);
    held = await leases.acquire(NAMES);
    settler = new Settler(database, leases.holder);
    [outbox, deliveries] = [new Outbox(database), new Deliveries(database)];
  });

  const arrive = (...lines: [string, string][]) =>
    new Intake(database).accept(
      'sms',
      lines.map(([from, text]) => message(from, text)),
    );
  const waiting = (): Promise<Entry[]> => outbox.fresh({ after: 0, upTo: 1e9, limit: 500 }, ALL);
  const leaseOf = ({ partition }: Entry): Lease => held.find(({ name }) => name === `outbox:${partition}`)!;
  const settle = (entry: Entry, result: Result): Promise<boolean> =>
    settler.settle({ entry, lease: leaseOf(entry), result });
  const settleAll = async (result: Result): Promise<void> =>
    void (await Promise.all((await waiting()).map((entry) => settle(entry, result))));
  const textOf = (entry: Entry): string => (entry.event!.data as { message: { text: string } }).message.text;

  it('reads what a dispatch needs, in the order of positions, up to the horizon given', async () => {
    await arrive(['+1', 'a'], ['+2', 'b'], ['+1', 'c']);
    const entries = await waiting();
    expect(entries.map(textOf)).toEqual(['a', 'b', 'c']);
    expect(entries[0]).toMatchObject({
      kind: 'event',
      targetId: 'hd',
      attempts: 0,
      replay: false,
      dueMs: 0,
      event: { type: 'message.received' },
    });
    expect(entries[0]!.lane).toBe(entries[2]!.lane);
    const [first, second] = entries as [Entry, Entry];
    expect((await outbox.fresh({ after: first.position, upTo: second.position, limit: 9 }, ALL)).map(textOf)).toEqual([
      'b',
    ]);
    expect(await outbox.fresh({ after: 0, upTo: 1e9, limit: 9 }, ALL, { targets: ['event:hd'], known: [] })).toEqual(
      [],
    );
    expect((await outbox.fresh({ after: 0, upTo: 1e9, limit: 9 }, [first.partition])).map(textOf)).toContain('a');
    expect((await outbox.ofLanes([{ lane: first.lane, after: first.position }], 1e9, 9)).map(textOf)).toEqual(['c']);
    expect(await outbox.targets()).toEqual([{ kind: 'event', id: 'hd' }]);
  });

  it('settles many at once, and each with its own result', async () => {
    await arrive(['+1', 'a'], ['+2', 'b'], ['+3', 'c'], ['+4', 'd']);
    const [a, b, c, d] = (await waiting()) as [Entry, Entry, Entry, Entry];
    const results = await Promise.all([
      settle(a, { kind: 'delivered', reference: { ticketId: '7', url: null } }),
      settle(b, { kind: 'dead', failure: { ...FAILURE, message: 'a\0b' } }),
      settle(c, { kind: 'retry', failure: FAILURE, delayMs: 60_000 }),
      settle(d, { kind: 'dropped' }),
    ]);
    expect(results).toEqual([true, true, true, true]);
    const left = await waiting();
    expect(left).toMatchObject([{ position: c.position, attempts: 1 }]);
    expect(left[0]!.dueMs).toBeGreaterThan(50_000);
    expect((await deliveries.list('hd', 'delivered')).items).toMatchObject([
      { eventId: a.itemId, attempts: 1, failure: null },
    ]);
    expect((await deliveries.list('hd', 'dead')).items).toMatchObject([
      { eventId: b.itemId, failure: { code: 'content-refused', message: 'a\uFFFDb' } },
    ]);
    expect((await deliveries.list('hd', 'pending')).items).toMatchObject([
      { eventId: c.itemId, attempts: 1, failure: FAILURE },
    ]);
    expect(await database.query('select ticket_id from reference')).toEqual([{ ticket_id: '7' }]);
  });

  it('affects no row once the lease was taken by another process', async () => {
    await arrive(['+1', 'a']);
    const [entry] = (await waiting()) as [Entry];
    await database.query(`update lease set expires_at = '-infinity'`);
    const other = new Leases(database);
    await other.acquire(NAMES);
    for (const result of [
      { kind: 'delivered' },
      { kind: 'dead', failure: FAILURE },
      { kind: 'retry', failure: FAILURE },
    ] as const)
      expect(await settle(entry, result)).toBe(false);
    expect(await settler.start(entry, leaseOf(entry))).toEqual({ verdict: 'stale' });
    expect(await waiting()).toMatchObject([{ attempts: 0 }]);
    expect(await database.query('select * from delivery')).toEqual([]);
  });

  it('a settle of something that is gone says so, and settles nothing else', async () => {
    await arrive(['+1', 'a'], ['+2', 'b']);
    const [a, b] = (await waiting()) as [Entry, Entry];
    await database.query('delete from outbox where position = $1', [a.position]);
    expect(await Promise.all([settle(a, { kind: 'delivered' }), settle(b, { kind: 'delivered' })])).toEqual([
      false,
      true,
    ]);
    expect((await deliveries.list('hd', 'delivered')).items).toMatchObject([{ eventId: b.itemId }]);
  });

  it('replays at the tail of the lane, in the order of sequence, with the same ids, and nothing that still waits', async () => {
    await arrive(['+1', 'a'], ['+2', 'x'], ['+1', 'b']);
    const before = await waiting();
    await settleAll({ kind: 'delivered' });
    await arrive(['+1', 'c']);
    const conversationId = (await deliveries.list('hd', 'pending')).items[0]!.conversationId!;
    expect(await deliveries.replay('hd', { conversationId })).toBe(2);
    expect(await deliveries.replay('hd', { conversationId })).toBe(0);
    const entries = await waiting();
    expect(entries.map((entry) => [textOf(entry), entry.replay])).toEqual([
      ['c', false],
      ['a', true],
      ['b', true],
    ]);
    expect(entries[1]!.itemId).toBe(before[0]!.itemId);
    expect(new Set(entries.map(({ lane }) => lane)).size).toBe(1);
  });

  it('replays by ids, by time, and what is dead; a new destination gets what its filter admits', async () => {
    await arrive(['+1', 'a'], ['+2', 'b'], ['+3', 'c']);
    const [a, b] = (await waiting()) as [Entry, Entry];
    await settle(a, { kind: 'dead', failure: FAILURE });
    await settleAll({ kind: 'delivered' });
    expect(await deliveries.replay('hd', { state: 'dead' })).toBe(1);
    expect((await deliveries.list('hd', 'dead')).items).toEqual([]);
    expect((await waiting()).map(textOf)).toEqual(['a']);
    await settleAll({ kind: 'delivered' });

    expect(await deliveries.replay('hd', { ids: [b.itemId, 'evt_none'] })).toBe(1);
    await settleAll({ kind: 'delivered' });
    const past = new Date(Date.now() - 3_600_000).toISOString();
    expect(await deliveries.replay('hd', { from: past, to: past })).toBe(0);
    expect(await deliveries.replay('hd', { from: past })).toBe(3);

    await addDestination(database, { id: 'new', events: ['message.*'], accounts: ['sms'] });
    await addDestination(database, { id: 'none', accounts: ['other'] });
    expect(await deliveries.replay('new', { from: past })).toBe(3);
    expect(await deliveries.replay('none', { from: past })).toBe(0);
    await expect(deliveries.replay('nowhere', { from: past })).rejects.toThrow(NotFound);
  });

  it('replays what a filter of accounts or channels admits as it is admitted live', async () => {
    await addDestination(database, { id: 'live', channels: ['http'], accounts: ['sms'] });
    await addDestination(database, { id: 'other', channels: ['none'] });
    await arrive(['+1', 'a']);
    await database.query(
      `select emit('conversation.updated', c.id, c.contact_id, null, '{}', now()), emit('contact.updated', null, c.contact_id, null, '{}', now())
       from conversation c`,
    );
    const live = (await waiting()).filter(({ targetId }) => targetId === 'live').map(({ event }) => event!.type);
    expect(live).toEqual(expect.arrayContaining(['message.received', 'conversation.updated', 'contact.updated']));
    await database.query('truncate outbox');
    const from = new Date(Date.now() - 3_600_000).toISOString();
    expect(await deliveries.replay('live', { from })).toBe(live.length);
    expect((await waiting()).map(({ event }) => event!.type)).toEqual(live);
    expect(await deliveries.replay('other', { from })).toBe(0);
  });

  it('replays in windows of the stream, whatever lies between', async () => {
    await arrive(['+1', 'a']);
    await database.query(`select setval('event_position_seq', 170000)`);
    await arrive(['+1', 'b']);
    const spans: number[] = [];
    const transaction: Database['transaction'] = (work) =>
      database.transaction((sql) =>
        work({
          query: (statement, values) => {
            if (typeof statement === 'string' && statement.includes('e.position > $2'))
              spans.push(Number(values![2]) - Number(values![1]));
            return sql.query(statement, values);
          },
        }),
      );
    await settleAll({ kind: 'delivered' });
    const past = new Date(Date.now() - 3_600_000).toISOString();
    const watched = new Deliveries(Object.assign(Object.create(database) as Database, { transaction }));
    expect(await watched.replay('hd', { from: past })).toBe(2);
    expect((await waiting()).map(textOf)).toEqual(['a', 'b']);
    expect(spans.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...spans)).toBeLessThanOrEqual(50_000);
  });

  it('lists in pages', async () => {
    await arrive(...Array.from({ length: 7 }, (_, n): [string, string] => [`+${n}`, `m${n}`]));
    const pages = async (state: 'pending' | 'delivered'): Promise<string[][]> => {
      const found: string[][] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<Deliveries['list']>> = await deliveries.list('hd', state, { limit: 3, cursor });
        found.push(page.items.map(({ eventId }) => eventId));
        cursor = page.next;
      } while (cursor);
      return found;
    };
    const ids = (await waiting()).map(({ itemId }) => itemId);
    expect(await pages('pending')).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    await settleAll({ kind: 'delivered' });
    const settled = await pages('delivered');
    expect(settled.map(({ length }) => length)).toEqual([3, 3, 1]);
    expect(settled.flat().sort()).toEqual([...ids].sort());
  });

  it('pauses and resumes, once each, and what waited is due at once', async () => {
    await arrive(['+1', 'a']);
    const run = { course: 'refused', made: 3 };
    await settleAll({ kind: 'retry', failure: FAILURE, delayMs: 3_600_000, run });
    expect([await deliveries.pause('hd', 'answered 410'), await deliveries.pause('hd', 'again')]).toEqual([
      true,
      false,
    ]);
    expect(await database.query('select state, paused_reason from destination')).toEqual([
      { state: 'paused', paused_reason: 'answered 410' },
    ]);
    expect([await deliveries.resume('hd'), await deliveries.resume('hd')]).toEqual([true, false]);
    expect(await waiting()).toMatchObject([{ dueMs: 0, attempts: 0, tryingMs: 0, run: null }]);
  });

  it('shows one of them with its event, whatever its state', async () => {
    await arrive(['+1', 'a']);
    const [entry] = (await waiting()) as [Entry];
    const shown = async () => {
      const { delivery, event } = await deliveries.get('hd', entry.itemId);
      return [delivery.state, delivery.failure?.code, (event!.data as { message: { text: string } }).message.text];
    };
    expect(await shown()).toEqual(['pending', undefined, 'a']);
    await settle(entry, { kind: 'dead', failure: FAILURE });
    expect(await shown()).toEqual(['dead', 'content-refused', 'a']);
    await deliveries.replay('hd', { state: 'dead' });
    expect(await shown()).toEqual(['pending', undefined, 'a']);
    await expect(deliveries.get('hd', 'evt_none')).rejects.toThrow(NotFound);
    await expect(deliveries.get('other', entry.itemId)).rejects.toThrow(NotFound);
  });

  it('lists what a destination took, by conversation, in pages; not what still waits or is dead', async () => {
    await arrive(['+1', 'a'], ['+2', 'b'], ['+1', 'c'], ['+3', 'dead'], ['+4', 'waits']);
    for (const entry of await waiting()) {
      if (textOf(entry) === 'dead') await settle(entry, { kind: 'dead', failure: FAILURE });
      else if (textOf(entry) !== 'waits') await settle(entry, { kind: 'delivered' });
    }
    const range = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    const pages: string[][][] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: Awaited<ReturnType<Deliveries['taken']>> = await deliveries.taken('hd', {
        ...range,
        after,
        limit: 1,
      });
      pages.push(
        page.conversations.map((rows) => rows.map(({ data }) => (data as { message: { text: string } }).message.text)),
      );
      after = page.next;
    }
    expect(pages.flat().sort()).toEqual([['a', 'c'], ['b']]);
    expect(pages.every((page) => page.length === 1)).toBe(true);
    expect((await deliveries.taken('hd', { ...range, to: range.from, after: '', limit: 9 })).conversations).toEqual([]);
  });

  it('deletes shared values once they have run out: messages that were to be stored may be among them', async () => {
    await database.query(
      `insert into shared_value (name, value, expires_at)
       select n, 'sealed', at from (values ('over', now() - interval '1 second'), ('on', now() + interval '1 hour'), ('ever', 'infinity')) v (n, at)`,
    );
    await prune(database);
    const left = await database.query<{ name: string }>('delete from shared_value returning name');
    expect(left.map(({ name }) => name).sort()).toEqual(['ever', 'on']);
  });

  it('deletes what is kept no longer, and never what still waits', async () => {
    await arrive(['+1', 'old'], ['+2', 'waits'], ['+3', 'new']);
    const [old, waits] = (await waiting()) as [Entry, Entry];
    await settle(old, { kind: 'delivered' });
    await database.query(`update event set created_at = now() - interval '100 d' where id = any ($1)`, [
      [old.itemId, waits.itemId],
    ]);
    await database.query(`update delivery set settled_at = now() - interval '100 d'`);
    await database.query(
      `update inbox set received_at = now() - interval '100 d' where item_id = (select item_id from inbox limit 1)`,
    );
    expect(await prune(database)).toBeGreaterThanOrEqual(3);
    expect((await waiting()).map(textOf)).toEqual(['waits', 'new']);
    expect(await database.query('select 1 from event where id = $1', [old.itemId])).toEqual([]);
    expect(await database.query('select 1 from delivery')).toEqual([]);
    expect(await database.query('select 1 from inbox')).toHaveLength(2);
    await database.query(`update destination set removed_at = now()`);
    expect(await forgetOrphans(database)).toBe(2);
    expect(await waiting()).toEqual([]);
  });
});
