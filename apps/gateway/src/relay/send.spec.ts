import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Leases, Outbox } from '#conversations';
import { type Database, DatabaseUnavailable, type Statement } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { DeliveryRefused } from '#helpdesk';
import { type OutboundUnit, ProviderFailure } from '#normalizer';
import type { Sessions } from './ports.js';
import { Desk, post } from './testing/desk.js';
import { FakeDirectory, outboxCount, reset, settled, type Setup, startRelay, STORE, until } from './testing/harness.js';

/** A provider that takes one POST for each unit, and names what it took. */
function adapter(url: () => string, more: { idempotentSend?: boolean; rate?: object | null; socket?: boolean } = {}) {
  const { idempotentSend = false, rate = null, socket = false } = more;
  return {
    type: 'fake',
    capabilities: { idempotentSend, rate } as never,
    ingress: socket ? { socket: { sends: true } as never } : { hosted: undefined as never },
    async send(unit: OutboundUnit, { signal, session }: { signal: AbortSignal; session: unknown }) {
      try {
        await post(url(), { id: unit.id, body: { ...unit, session }, signal });
      } catch (error) {
        throw error instanceof DeliveryRefused ? failure(error) : error;
      }
      return { externalIds: [`x-${unit.id}`] };
    },
  };
}

function failure({ status, retryAfterMs }: DeliveryRefused): ProviderFailure {
  const code =
    status === 429 ? 'throttled' : status === 401 ? 'unauthorized' : status === 503 ? 'unavailable' : 'content-refused';
  return new ProviderFailure(code, `answered ${status}`, { retryAfterMs });
}

describeOnEveryDatabase('the relay sends units', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    account();
  });
  afterEach(async () => {
    desk.release();
    await setup?.stop();
    setup = undefined;
  });

  const account = (more: Parameters<typeof adapter>[1] = {}): void =>
    directory.addAccount('sms', adapter(() => `${desk.url}/sms`, more) as never);
  const start = async (options: Parameters<typeof startRelay>[2] = {}): Promise<Setup> =>
    (setup = await startRelay(database, directory, options));
  const sent = (): string[] => desk.calls.map(({ event }) => (event as unknown as OutboundUnit).text);

  /** An answer of an agent, in as many units as it has texts. */
  async function reply(thread: string, id: string, ...units: string[]): Promise<void> {
    await database.transaction(async (sql) => {
      await sql.query(
        `insert into conversation (id, contact_id, continuity) values ('cnv_' || $1, 'con_x', 'contact') on conflict do nothing`,
        [thread],
      );
      await sql.query(
        `insert into thread (id, account_id, external_id, contact_id) values ('thr_' || $1, 'sms', $1, 'con_x') on conflict do nothing`,
        [thread],
      );
      await sql.query(
        `insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, status, occurred_at, received_at)
         select $1, 'cnv_' || $2, 'thr_' || $2, 'sms', 1 + (select count(*) from message where conversation_id = 'cnv_' || $2), 1, 'outbound', '{}', '[]', '', 'queued', now(), now()`,
        [id, thread],
      );
      for (const [index, text] of units.entries()) {
        await sql.query(
          `with u as (insert into unit (id, message_id, account_id, thread_id, index, count, content)
             values ($1 || '.' || $3, $1, 'sms', 'thr_' || $2, $3::int, 9, jsonb_build_object('text', $4::text, 'parts', '[]'::jsonb)) returning id)
           insert into outbox (partition, lane, kind, target_id, item_id)
             select lane_partition('sms:thr_' || $2), 'sms:thr_' || $2, 'unit', 'sms', id from u`,
          [id, thread, String(index), text],
        );
      }
    });
    database.hint('outbox');
  }

  const statuses = async (): Promise<string[]> =>
    (
      await database.query<{ line: string }>(
        `select id || ' ' || status || coalesce(' ' || (failure->>'code'), '') as line from unit order by id`,
      )
    ).map(({ line }) => line);
  const messageStatus = async (id: string): Promise<string> =>
    (await database.query<{ status: string }>('select status from message where id = $1', [id]))[0]!.status;

  it('in order within a thread, once each, and tells the stream', async () => {
    await start();
    await reply('t1', 'm1', 'a', 'b');
    await reply('t2', 'm2', 'x');
    await reply('t1', 'm3', 'c');
    await settled(database);
    expect(sent().filter((text) => text !== 'x')).toEqual(['a', 'b', 'c']);
    expect(await statuses()).toEqual(['m1.0 sent', 'm1.1 sent', 'm2.0 sent', 'm3.0 sent']);
    const events = await database.query<{ type: string; conversation_id: string }>(
      'select type, conversation_id from event order by position',
    );
    expect(events).toHaveLength(3);
    expect(events.every(({ type }) => type === 'message.sent')).toBe(true);
    const unit = desk.calls[0]!.event as unknown as OutboundUnit;
    expect(unit).toMatchObject({
      messageId: 'm1',
      index: 0,
      thread: { id: 'thr_t1', externalId: 't1' },
      idempotencyKey: unit.id,
    });
    expect(await database.query(`select message_id, unit_id from external_ref where external_id = 'x-m1.0'`)).toEqual([
      { message_id: 'm1', unit_id: 'm1.0' },
    ]);
  });

  it('nothing to who opted out since it was queued', async () => {
    await reply('t1', 'm1', 'a', 'b');
    await reply('t2', 'm2', 'x');
    await database.query(`update thread set opted_out_at = now() where id = 'thr_t1'`);
    await start();
    await settled(database);
    expect(sent()).toEqual(['x']);
    expect(await statuses()).toEqual(['m1.0 failed opted-out', 'm1.1 failed opted-out', 'm2.0 sent']);
    expect(await messageStatus('m1')).toBe('failed');
  });

  it('again after a failure that handed nothing over, and what follows waits', async () => {
    let left = 2;
    desk.answer = () => ({ status: (left -= 1) >= 0 ? 503 : 200 });
    await start();
    await reply('t1', 'm1', 'a');
    await reply('t1', 'm2', 'b');
    await settled(database);
    expect(sent()).toEqual(['a', 'a', 'a', 'b']);
    expect(await messageStatus('m1')).toBe('sent');
  });

  it('never again what may have arrived, where the provider takes no idempotency key', async () => {
    desk.answer = () => 'hang';
    await start({ settings: { pollMs: 100, dispatchMs: 100 } });
    await reply('t1', 'm1', 'a');
    await until(async () => (await messageStatus('m1')) === 'failed', 'it is given up');
    expect(await statuses()).toEqual(['m1.0 failed outcome-unknown']);
    expect(sent()).toEqual(['a']);
  });

  it('though the answer was lost in which its beginning was committed', async () => {
    let lost = 0;
    const query = async (statement: Statement | string, values?: readonly unknown[]): Promise<never[]> => {
      const rows = await database.query<never>(statement, values);
      if (typeof statement === 'string' || statement.name !== 'start_units' || (lost += 1) > 1) return rows;
      throw new DatabaseUnavailable(new Error('the connection was lost'));
    };
    const options = { settings: { pollMs: 100 } };
    setup = await startRelay(Object.assign(Object.create(database) as Database, { query }), directory, options);
    await reply('t1', 'm1', 'a');
    await settled(database);
    expect(lost).toBeGreaterThan(1);
    expect(await statuses()).toEqual(['m1.0 sent']);
    expect(sent()).toEqual(['a']);
  });

  it.each([
    [false, [], 'm1.0 failed outcome-unknown'],
    [true, ['a'], 'm1.0 sent'],
  ])(
    'a unit whose attempt began in a process that died (idempotent: %s) -> %j',
    async (idempotentSend, texts, status) => {
      account({ idempotentSend });
      await reply('t1', 'm1', 'a');
      await reply('t1', 'm2', 'b');
      const dead = new Leases(database);
      const [entry] = await new Outbox(database).ofTarget(
        { kind: 'unit', id: 'sms' },
        { after: 0, upTo: 1e9, limit: 1 },
        null,
      );
      const [lease] = await dead.acquire([`outbox:${entry!.partition}`]);
      expect(await new Outbox(database).start(dead.holder, [{ entry: entry!, lease: lease! }])).toEqual([
        { verdict: 'go' },
      ]);
      await dead.release([lease!]);
      await start();
      await settled(database);
      expect(sent()).toEqual([...texts, 'b']);
      expect(await statuses()).toEqual([status, 'm2.0 sent']);
    },
  );

  it('does not send the rest of a message of which a part was refused, and goes on with the next', async () => {
    desk.answer = ({ event }) => ({ status: (event as unknown as OutboundUnit).text === 'bad' ? 400 : 200 });
    await start();
    await reply('t1', 'm1', 'a', 'bad', 'c');
    await reply('t1', 'm2', 'd');
    await settled(database);
    expect(sent()).toEqual(['a', 'bad', 'd']);
    expect(await statuses()).toEqual([
      'm1.0 sent',
      'm1.1 failed content-refused',
      'm1.2 failed content-refused',
      'm2.0 sent',
    ]);
    expect(await messageStatus('m1')).toBe('failed');
  });

  it('not what was cancelled while it waited', async () => {
    directory.accountsById.set('sms', { ...directory.account('sms')!, enabled: false });
    await start();
    await reply('t1', 'm1', 'a');
    await reply('t1', 'm2', 'b');
    await database.query(`update unit set status = 'failed', failure = '{"code":"cancelled"}' where id = 'm1.0'`);
    directory.accountsById.set('sms', { ...directory.account('sms')!, enabled: true, version: '2' });
    directory.change();
    await settled(database);
    expect(sent()).toEqual(['b']);
  });

  it('waits for an account that is disabled, and gives up after a day', async () => {
    directory.accountsById.set('sms', { ...directory.account('sms')!, enabled: false });
    await reply('t1', 'm1', 'a');
    await reply('t2', 'm2', 'b');
    await database.query(`update outbox set created_at = now() - interval '25 h' where item_id = 'm1.0'`);
    await start();
    await until(async () => (await outboxCount(database)) === 1, 'the old one is given up');
    expect(await statuses()).toEqual(['m1.0 failed config-invalid', 'm2.0 queued']);
    directory.accountsById.set('sms', { ...directory.account('sms')!, enabled: true });
    directory.change();
    await settled(database);
    expect(sent()).toEqual(['b']);
  });

  it('holds the account at refused credentials, tries few times, and goes on once it is changed', async () => {
    desk.answer = () => ({ status: 401 });
    await start();
    await reply('t1', 'm1', 'a');
    await reply('t2', 'm2', 'b');
    await until(async () => {
      const [row] = await database.query<{ state: string }>(`select state from account where id = 'sms'`);
      return row!.state === 'degraded';
    }, 'the last attempt');
    const attempts = sent().length;
    desk.answer = () => ({ status: 200 });
    directory.accountsById.set('sms', { ...directory.account('sms')!, version: '2' });
    directory.change();
    await settled(database);
    expect(sent().slice(attempts).sort()).toEqual(['a', 'b']);
    expect(await messageStatus('m1')).toBe('sent');
    const told = await database.query<{ type: string }>(
      `select type from event where account_id = 'sms' and type like 'account.%' order by position`,
    );
    expect(told.map(({ type }) => type)).toEqual(['account.degraded', 'account.connected']);
  });

  it('only from the process that holds the session of a socket, whatever partition it owns', async () => {
    account({ socket: true });
    const holder = new Leases(database);
    const held: { session?: ReturnType<Sessions['of']> } = {};
    const listeners = new Set<() => void>();
    const sessions: Sessions = {
      of: () => held.session,
      onChange: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    };
    await start({ sessions, leases: holder, lease: {} });
    await reply('t1', 'm1', 'a');
    await reply('t2', 'm2', 'b');
    await until(
      () => setup!.relay.board.list().some(({ key, aside }) => key === 'unit:sms' && aside),
      'it knows of them',
    );
    expect(sent()).toEqual([]);
    const [lease] = await holder.acquire(['account:sms']);
    held.session = { session: 'socket', lease: lease! };
    listeners.forEach((listener) => listener());
    await settled(database);
    expect(sent().sort()).toEqual(['a', 'b']);
    expect((desk.calls[0]!.event as unknown as { session: string }).session).toBe('socket');
  });

  it('in order where its channel limits the rate of a thread', async () => {
    account({ rate: { perSecond: 1_000, perThreadPerSecond: 20 } });
    await start();
    const units = Array.from({ length: 25 }, (_, n) => String(n));
    await reply('t1', 'm1', ...units);
    await settled(database);
    expect(sent()).toEqual(units);
  });
});
