import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { mergeContacts, undoMerge } from '#identity';
import { Intake } from '../intake/intake.js';
import { Fetcher, Files, FileUrls, LocalFileStore, tieFiles } from '../media/index.js';
import { findText, live } from '../testing/life.js';
import { addAccount, addDestination, eventsOf, message, STORE } from '../testing/store.js';
import { eraseContact, listErasures, type Erased } from './erase.js';

/** What is no text of a person, and why: where a new table stands in neither list, somebody has to think about it. */
const HARMLESS: Readonly<Record<string, string>> = {
  account: 'settings of the operator',
  api_key: 'keys of the operator',
  audit: 'ids and names of parameters; values never get there',
  audit_chain: 'hashes',
  automatic_answer: 'hashes, for an hour',
  company: 'no person; who works there is on the contact',
  company_change: 'ids, until the company is followed',
  conversation_thread: 'ids, of rows that go',
  cursor: 'places in the lists of providers',
  destination: 'settings of the operator',
  erased_session: 'hashes',
  erasure: 'the proof',
  erasure_seen: 'names of processes',
  file_removal: 'ids, until the bytes are gone',
  file_use: 'ids, of rows that go',
  import: 'counts and a state; its rows are erased',
  inbox: 'hashes, and ids by which a repeat is answered',
  lease: 'names of processes',
  migration: 'of TypeORM',
  setting: 'policies of the operator',
  shared_value: 'sealed tokens of accounts',
};

describeOnEveryDatabase('erasing a person', (open, place) => {
  let database: Database;
  let folder: string;
  let files: Files;

  beforeAll(async () => {
    database = await open(STORE);
    folder = await mkdtemp(join(tmpdir(), 'erase-'));
    files = new Files({
      ...{ database, store: new LocalFileStore(folder), maxBytes: 10_000 },
      urls: new FileUrls('a secret', 'https://x.example'),
    });
    await addAccount(database, { id: 'sms' });
    await addAccount(database, { id: 'web', type: 'webchat', hosted: true });
    await addDestination(database, { id: 'desk', accounts: ['sms', 'web'] });
    await addDestination(database, { id: 'elsewhere', accounts: ['other'] });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  const erase = async (contactId: string): Promise<Erased> => {
    const erased = await database.transaction((sql) =>
      eraseContact(sql, contactId, { by: 'key_1', reason: 'request' }),
    );
    await files.removeErased();
    return erased!;
  };
  const bytesOnDisk = async (): Promise<string> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const held = entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name)));
    return Buffer.concat(await Promise.all(held)).toString('latin1');
  };
  const arrive = async (from: string, text: string, account = 'sms') =>
    (await new Intake(database).accept(account, [message(from, text)]))[0]!;

  it('leaves nothing of them anywhere, and everything of everybody else', async () => {
    const [gone, stays] = [await live(database, files, 'canary7f3a'), await live(database, files, 'neighbour2b')];
    const full = await findText(database, 'canary7f3a');
    expect(Object.keys(full)).toEqual(
      expect.arrayContaining(
        ['contact', 'contact_conflict', 'code', 'conversation', 'delivery', 'early_receipt', 'event', 'external_ref', 'file', 'handle', 'idempotency', 'import_row', 'introduction',
          'merge', 'message', 'outbox', 'poison', 'reference', 'thread', 'trace', 'unit'], // prettier-ignore
      ),
    );
    const neighbour = await findText(database, 'neighbour2b');
    expect(await bytesOnDisk()).toContain('content canary7f3a');

    const { record } = await erase(gone.contactId);
    expect(await findText(database, 'canary7f3a')).toEqual({});
    expect(await findText(database, 'neighbour2b')).toEqual(neighbour);
    expect(await bytesOnDisk()).not.toContain('canary7f3a');
    expect(await bytesOnDisk()).toContain('content neighbour2b');
    for (const id of gone.messageIds)
      expect(await database.query('select 1 from message where id = $1', [id])).toEqual([]);
    expect(await database.query('select 1 from message where id = any ($1)', [stays.messageIds])).toHaveLength(6);

    expect(record).toMatchObject({ by: 'key_1', reason: 'request', reference: null });
    expect([...record.contactIds].sort()).toEqual([gone.contactId, gone.mergedId].sort());
    expect([...record.conversationIds].sort()).toEqual([...gone.conversationIds].sort());
    expect(record.counts).toMatchObject({
      contacts: 2,
      conversations: 2,
      threads: 2,
      messages: 6,
      files: 2,
      parked: 2,
    });
  });

  it('leaves them in no page on the disk, once the database has cleaned up', async () => {
    const { dataDir } = await place();
    const [row] = await database.query<{ data_directory: string }>('show data_directory');
    const pages = join(dataDir ? join(dataDir, 'postgres') : row!.data_directory, 'base');
    if (!existsSync(pages)) return; // a server that was given is elsewhere
    const held = async (text: string): Promise<string[]> => {
      await database.query('checkpoint');
      const entries = await readdir(pages, { recursive: true, withFileTypes: true });
      const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const found = await Promise.all(names.map(async (name) => (await readFile(name)).includes(text)));
      return names.filter((_, index) => found[index]);
    };
    const life = await live(database, files, 'canary2a85');
    expect(await held('canary2a85')).not.toEqual([]);
    await erase(life.contactId);
    await database.query('vacuum full');
    expect(await held('canary2a85')).toEqual([]);
  });

  it('knows of every table whether it can hold anything of a person', async () => {
    const life = await live(database, files, 'canary1f74');
    const filled = Object.keys(await findText(database, 'canary1f74'));
    await erase(life.contactId);
    const tables = await database.query<{ name: string }>(
      `select distinct c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         join pg_type t on t.oid = a.atttypid where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm')
         and t.typname in ('text', '_text', 'varchar', '_varchar', 'bpchar', 'json', 'jsonb', '_jsonb', 'bytea', 'name', 'xml', 'inet')`,
    );
    const unknown = tables.map(({ name }) => name).filter((name) => !filled.includes(name) && !HARMLESS[name]);
    expect(unknown).toEqual([]);
    expect(Object.keys(HARMLESS).filter((name) => filled.includes(name))).toEqual([]);
  });

  it('keeps id, type and sequence of their events, and tells the destinations who could have heard of them', async () => {
    const life = await live(database, files, 'canary8c41');
    const before = await eventsOf(database, life.conversationIds[0]!);
    const { record } = await erase(life.contactId);
    const after = await eventsOf(database, life.conversationIds[0]!);
    expect(after.map(({ type, sequence, data }) => [type, sequence, data])).toEqual(
      before.map(({ type, sequence }) => [type, sequence, null]),
    );
    const told = await database.query(
      `select o.target_id, e.data from event e join outbox o on o.item_id = e.id where e.type = 'contact.erased' and e.contact_id = $1`,
      [life.contactId],
    );
    const { id, contactIds, conversationIds } = record;
    expect(told).toEqual([{ target_id: 'desk', data: { erasure: { id, contactIds, conversationIds } } }]);
  });

  it('is not undone by a repeat of what was erased, of what was set aside, or of what an agent asked for', async () => {
    const life = await live(database, files, 'canary9d52');
    await erase(life.contactId);
    const count = async () => (await database.query<{ n: number }>('select count(*)::int as n from message'))[0]!.n;
    const before = await count();
    const [again] = await new Intake(database).accept('sms', [life.first]);
    expect(again).toMatchObject({ id: life.messageIds[0], duplicate: true, conversationId: null });
    expect(again!.dedupeKey).toBe('dedupe-canary9d52');
    const [bad] = await new Intake(database).accept('sms', [message('x', 'bad', { dedupeKey: 'bad-canary9d52' })]);
    expect(bad!.duplicate).toBe(true);
    expect(await count()).toBe(before);
    expect(await findText(database, 'canary9d52')).toEqual({});
    const answers = await database.query<{ status: number; body: unknown }>(
      `select status, body from idempotency where key = any ($1)`,
      [[`k-${life.conversationIds[0]}`, `k-${life.messageIds[0]}`]],
    );
    expect(answers).toEqual([
      { status: 410, body: null },
      { status: 410, body: null },
    ]);
  });

  it('makes somebody new of whoever writes again', async () => {
    const before = await arrive('+8613700000001', 'before');
    await erase(before.contactId!);
    const after = await arrive('+8613700000001', 'after');
    expect(after.duplicate).toBe(false);
    expect(after.contactId).not.toBe(before.contactId);
    expect(after.conversationId).not.toBe(before.conversationId);
    expect(await database.query('select text from message where conversation_id = $1', [after.conversationId])).toEqual(
      [{ text: 'after' }],
    );
  });

  it('takes them out of the events of whom they were one with for a while', async () => {
    const [a, b] = [await arrive('+8613700000002', 'of a'), await arrive('+8613700000003', 'of b')];
    const mergeId = await database.transaction((sql) =>
      mergeContacts(sql, { into: a.contactId!, from: b.contactId!, reason: 'one', by: 'key' }),
    );
    await arrive('+8613700000002', 'while one');
    await database.transaction((sql) => undoMerge(sql, mergeId!, 'key'));
    expect(JSON.stringify(await eventsOf(database, a.conversationId))).toContain('+8613700000003');
    await erase(b.contactId!);
    expect(await findText(database, '8613700000003')).toEqual({});
    const left = await eventsOf(database, a.conversationId);
    expect(left.flatMap(({ data }) => data?.message?.text ?? [])).toEqual(
      expect.arrayContaining(['of a', 'while one']),
    );
    expect((await findText(database, '8613700000002'))['handle']).toBe(1);
  });

  it('leaves a file that somebody else was sent too', async () => {
    const [one, two] = [await arrive('+8613700000004', 'one'), await arrive('+8613700000005', 'two')];
    const shared = await files.store(database, Buffer.from('a brochure'), { name: 'brochure.txt' });
    const parts = [{ type: 'media', fileId: shared.id }] as never;
    await tieFiles(database, one.id!, parts);
    await tieFiles(database, two.id!, parts);
    await erase(one.contactId!);
    expect(await bytesOnDisk()).toContain('a brochure');
    expect((await files.find([shared.id]))[0]).toMatchObject({ messageId: two.id });
    await erase(two.contactId!);
    expect(await bytesOnDisk()).not.toContain('a brochure');
    expect(await database.query('select 1 from file_use')).toEqual([]);
  });

  it('deletes the bytes later where the store does not now, and those of a file that was on its way again', async () => {
    const life = await live(database, files, 'canary0e63');
    const broken = Object.assign(Object.create(new LocalFileStore(folder)) as LocalFileStore, {
      remove: () => Promise.reject(new Error('the store is away')),
    });
    const away = new Files({
      ...{ database, store: broken, maxBytes: 10_000, urls: new FileUrls('a secret', 'https://x.example') },
    });
    await database.transaction((sql) => eraseContact(sql, life.contactId, { by: 'key_1' }));
    expect(await away.removeErased()).toBe(0);
    expect(await bytesOnDisk()).toContain('canary0e63');
    expect(await files.removeErased()).toBe(2);
    expect(await bytesOnDisk()).not.toContain('canary0e63');
    const left = await database.query<{ later: boolean }>('select due_at > now() as later from file_removal');
    expect(left).toEqual(expect.arrayContaining([{ later: true }]));
    await database.query('update file_removal set due_at = now()');
    await files.removeErased();
    expect(await database.query('select 1 from file_removal')).toEqual([]);
  });

  it('keeps no bytes that arrive from a provider afterwards', async () => {
    await database.query(`update file set state = 'unavailable' where state = 'pending'`);
    const life = await live(database, files, 'canary3b96');
    let fetched = false;
    const source = {
      open: async () => {
        await database.transaction((sql) => eraseContact(sql, life.contactId, { by: 'k' }));
        await files.removeErased();
        fetched = true;
        return { stream: Readable.from([Buffer.from('late bytes canary3b96')]) };
      },
    };
    const fetcher = new Fetcher({ database, files, source });
    fetcher.start();
    while (!fetched) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 500)); // stopped at once, it would not take them in
    await fetcher.stop();
    expect(await bytesOnDisk()).not.toContain('canary3b96');
  });

  it('proves each erasure in a chain that shows a change', async () => {
    const [older, newer] = [await arrive('+8613700000006', 'x'), await arrive('+8613700000007', 'y')];
    const [first, second] = [await erase(older.contactId!), await erase(newer.contactId!)];
    expect(second.record.previous).toBe(first.record.hash);
    const [latest, before] = await listErasures(database, { before: null, limit: 2 });
    expect([latest, before]).toEqual([second.record, first.record]);
    expect(await listErasures(database, { before: second.record.id, limit: 1 })).toEqual([first.record]);
    const sound = () =>
      database.query('select 1 from erasure e where e.id = $1 and e.hash = erasure_hash(e)', [first.record.id]);
    expect(await sound()).toHaveLength(1);
    await database.query(`update erasure set asked_by = 'somebody else' where id = $1`, [first.record.id]);
    expect(await sound()).toHaveLength(0);
  });

  it('stands between messages that arrive meanwhile: each is theirs and gone, or of somebody new', async () => {
    if (database.kind === 'embedded') return; // one connection: nothing happens meanwhile
    for (const id of ['a', 'b', 'c', 'd']) await addAccount(database, { id });
    const phone = '+8613700000020';
    const writers = ['a', 'b', 'c', 'd'].map((account) => ({ account, intake: new Intake(database) }));
    const stored: string[] = [];
    let writing = true;
    const write = async ({ account, intake }: (typeof writers)[number]): Promise<void> => {
      for (let n = 0; writing; n += 1) {
        const said = message(phone, `${account} ${n}`, { thread: `${phone}-${n % 3}` });
        const [one] = await intake.accept(account, [said]).catch((error: { code?: string }) => {
          if (!['40001', '40P01', '55P03'].includes(error.code ?? '')) throw error;
          return [];
        });
        if (one?.id) stored.push(one.id);
      }
    };
    const all = writers.map(write);
    const gone = new Set<string>();
    for (let round = 0; round < 15; round += 1) {
      const [row] = await database.query<{ id: string }>('select contact_id as id from handle where value = $1', [
        phone,
      ]);
      const tried = row && database.transaction((sql) => eraseContact(sql, row.id, { by: 'k' }));
      const erased = await tried?.catch(() => null);
      erased?.record.contactIds.forEach((id) => gone.add(id));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    writing = false;
    await Promise.all(all);
    expect(gone.size).toBeGreaterThan(3);
    expect(stored.length).toBeGreaterThan(20);
    const lost = await database.query(
      `select 'thread' as what from thread t where not exists (select 1 from contact c where c.id = t.contact_id)
       union all select 'conversation' from conversation v where not exists (select 1 from contact c where c.id = v.contact_id)
       union all select 'message' from message m where not exists (select 1 from conversation v where v.id = m.conversation_id)
       union all select 'message without event' from message m where m.id = any ($1) and not exists (
         select 1 from event e where e.conversation_id = m.conversation_id and e.data->'message'->>'id' = m.id)`,
      [stored],
    );
    expect(lost).toEqual([]);
    const left = await database.query<{ id: string }>('select contact_id as id from handle where value = $1', [phone]);
    expect(left.filter(({ id }) => gone.has(id))).toEqual([]);
  });

  it('knows nobody who is gone, or who is part of another', async () => {
    const [a, b] = [await arrive('+8613700000008', 'a'), await arrive('+8613700000009', 'b')];
    await database.transaction((sql) =>
      mergeContacts(sql, { into: a.contactId!, from: b.contactId!, reason: 'one', by: 'key' }),
    );
    for (const id of [b.contactId!, 'con_none'])
      expect(await database.transaction((sql) => eraseContact(sql, id, { by: 'k' }))).toBeNull();
    await erase(a.contactId!);
    expect(await database.transaction((sql) => eraseContact(sql, a.contactId!, { by: 'k' }))).toBeNull();
  });
});
