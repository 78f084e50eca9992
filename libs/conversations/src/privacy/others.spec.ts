import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { mergeContacts, moveHandle, undoMerge } from '#identity';
import type { InboundMessage } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { park } from '../intake/park.js';
import { findText } from '../testing/life.js';
import { addAccount, addDestination, message, STORE } from '../testing/store.js';
import { eraseContact } from './erase.js';
import { exportContact, peopleOf } from './export.js';

const phone = (value: string) => ({ scheme: 'phone', scope: '', value, proof: 'channel' as const });
const client = (value: string) => ({ scheme: 'client', scope: 'shop', value, proof: 'verified' as const });

describeOnEveryDatabase('what is not of the person', (open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['sms', 'sms2']) await addAccount(database, { id });
    await addDestination(database, { id: 'desk' });
  });
  afterAll(() => database.close());

  const erase = (contactId: string | null) =>
    database.transaction((sql) => eraseContact(sql, contactId!, { by: 'key_1' }));
  const arrive = async (from: string, text: string, more: Partial<InboundMessage> & { account?: string } = {}) => {
    const { account = 'sms', ...rest } = more;
    const [stored] = await new Intake(database).accept(account, [message(from, text, rest)]);
    return { ...stored!, contactId: stored!.contactId!, conversationId: stored!.conversationId! };
  };
  const exported = async (contactId: string): Promise<string> => {
    const people = (await peopleOf(database, contactId))!;
    const parts = {
      sql: database,
      files: 'links' as const,
      signUrl: () => '',
      open: () => Promise.reject(new Error()),
    };
    let text = '';
    for await (const piece of exportContact(contactId, people, parts)) text += piece;
    return text;
  };
  const texts = async (conversationId: string): Promise<string[]> => {
    const rows = await database.query<{ text: string }>(
      'select text from message where conversation_id = $1 order by sequence',
      [conversationId],
    );
    return rows.map(({ text }) => text);
  };
  const setAside = (name: string, input: object, error = 'bad') =>
    park(database, {
      ...{ id: `evt_${name}`, accountId: 'sms', dedupeKey: name, stage: 'store' as const },
      ...{ input: JSON.stringify({ ...input, text: `parked ${name}` }), error },
    });
  const reject = (name: string, data: object) =>
    database.query(`insert into import_row (import_id, row, data, errors) values ($1, 1, $2::jsonb, '[]')`, [
      `imp_${name}`,
      JSON.stringify({ ...data, note: `row ${name}` }),
    ]);
  const trace = (name: string, exchange: object) =>
    database.query(`insert into trace (account_id, direction, exchange) values ('sms', 'out', $1::jsonb)`, [
      JSON.stringify({ ...exchange, name: `trace ${name}` }),
    ]);
  const isThere = async (text: string): Promise<boolean> => Object.keys(await findText(database, text)).length > 0;

  it('stays, though a number, an address or a date holds what the person is known by', async () => {
    const { contactId } = await arrive('+491511234567', 'of the short number', {
      sender: {
        handles: [phone('+491511234567'), client('202611'), { ...phone('wang@mail.example'), scheme: 'email' }],
      },
    });
    await setAside('longer', { handles: [phone('+49151123456789')] });
    await setAside('dated', { sender: { handles: [phone('+4917700000')] }, occurredAt: '2026-11-22T09:00:00Z' });
    await setAside('mentions', { handles: [phone('+4917700000')], about: 'call +491511234567' });
    await setAside('nobody', { to: '+49151123456789', at: '2026-11-22', mail: 'li.wang@mail.example' });
    await setAside('another', { to: '202611', mail: 'wang@mail.example.org' }, 'xwang@mail.example');
    await trace('longer', { to: '+49151123456789', body: JSON.stringify({ at: '2026-11-22', n: 202611 }) });
    await trace('written', { url: 'https://x.example/?to=%2B49151123456789&from=li.wang%40mail.example' });
    await reject('longer', { phone: '+49 151 1234567 89', since: '2026-11' });
    const theirs = ['parked longer', 'parked dated', 'parked mentions', 'parked nobody', 'parked another', 'trace longer', 'trace written', 'row longer']; // prettier-ignore

    await setAside('own', { handles: [phone('+49 (151) 1234-567')] });
    await setAside('unnamed', { handles: [{ value: 'wang@mail.example' }] });
    await setAside('client', { sender: { handles: [client('202611')] } });
    await setAside('receipt', { externalId: 'x' }, 'no way to\n+491511234567');
    await trace('own', { url: 'https://x.example/?to=%2B491511234567', ok: 1 });
    await trace('mail', { body: JSON.stringify({ text: 'to:\nwang@mail.example.' }) });
    await trace('client', { body: JSON.stringify({ id: '202611' }) });
    await reject('own', { phone: '+491700000; +49 151 123-4567' });
    const own = ['parked own', 'parked unnamed', 'parked client', 'parked receipt', 'trace own', 'trace mail', 'trace client', 'row own']; // prettier-ignore

    const document = await exported(contactId);
    const shown = (text: string): boolean => document.includes(text);
    expect(theirs.filter(shown)).toEqual([]);
    expect(own.filter((text) => !text.startsWith('trace') && !shown(text))).toEqual([]);
    const erased = await erase(contactId);
    const left = async (text: string): Promise<string[]> => ((await isThere(text)) ? [text] : []);
    expect((await Promise.all(theirs.map(left))).flat()).toEqual(theirs);
    expect((await Promise.all(own.map(left))).flat()).toEqual([]);
    expect(erased!.record.counts).toMatchObject({ parked: 4, traces: 3 });
  });

  it('stays with the owner before, where a number has a new one', async () => {
    const a = await arrive('+8613900000401', 'a secret');
    const b = await arrive('+8613900000402', 'of the new owner', { account: 'sms2' });
    await database.transaction((sql) =>
      moveHandle(sql, phone('+8613900000401'), { from: a.contactId, to: b.contactId, source: 'key' }),
    );
    const later = await arrive('+8613900000401', 'from the new owner');
    expect(later.contactId).toBe(b.contactId);
    const document = await exported(b.contactId);
    expect([document.includes('a secret'), document.includes('from the new owner')]).toEqual([false, true]);
    await erase(b.contactId);
    expect(await texts(a.conversationId)).toEqual(['a secret']);
    expect(await isThere('from the new owner')).toBe(false);
    expect(JSON.stringify(await database.query('select data from event where conversation_id = $1', [a.conversationId]))).toContain('a secret'); // prettier-ignore
  });

  it('stays with the other, of two who were one for a while; what the person wrote then goes', async () => {
    const a = await arrive('+8613900000501', 'of a');
    const b = await arrive('+8613900000502', 'of b', { account: 'sms2' });
    const merge = await database.transaction((sql) =>
      mergeContacts(sql, { into: a.contactId, from: b.contactId, reason: 'one', by: 'key' }),
    );
    await database.query(`update conversation set status = 'closed' where id = $1`, [b.conversationId]);
    await arrive('+8613900000501', 'a while one');
    const then = await arrive('+8613900000502', 'b while one', { account: 'sms2', thread: 'new-502' });
    expect([then.conversationId, then.contactId]).toEqual([a.conversationId, a.contactId]);
    await database.transaction((sql) => undoMerge(sql, merge!, 'key'));
    const document = await exported(b.contactId);
    expect(['of a', 'a while one'].filter((text) => document.includes(`"${text}"`))).toEqual([]);
    expect(['of b', 'b while one'].filter((text) => document.includes(`"${text}"`))).toHaveLength(2);
    await erase(b.contactId);
    expect(await texts(a.conversationId)).toEqual(['of a', 'a while one']);
    expect(await isThere('b while one')).toBe(false);
  });

  it('does not keep the name of the person, which others had for a while', async () => {
    const a = await arrive('+8613900000601', 'a before');
    const b = await arrive('+8613900000602', 'of b', {
      ...{ account: 'sms2', sender: { name: 'Canary Wangxiao', handles: [phone('+8613900000602')] } },
    });
    const merge = await database.transaction((sql) =>
      mergeContacts(sql, { into: a.contactId, from: b.contactId, reason: 'one', by: 'key' }),
    );
    await arrive('+8613900000601', 'a while one');
    await database.transaction((sql) => undoMerge(sql, merge!, 'key'));
    await arrive('+8613900000601', 'a after');
    const c = await arrive('+8613900000603', 'of a namesake', {
      sender: { name: 'Canary Wangxiao', handles: [phone('+8613900000603')] },
    });
    expect(await findText(database, 'Canary Wangxiao')).toMatchObject({ message: 3 });
    await erase(b.contactId);
    expect(await texts(a.conversationId)).toEqual(['a before', 'a while one', 'a after']);
    const named = await database.query('select distinct conversation_id as id from message where author::text like $1', ['%Canary%']); // prettier-ignore
    expect(named).toEqual([{ id: c.conversationId }]);
    const told = await database.query('select distinct conversation_id as id from event where conversation_id is not null and data::text like $1', ['%Canary%']); // prettier-ignore
    expect(told).toEqual([{ id: c.conversationId }]);
  });

  it('keeps the name of somebody else who is called the same', async () => {
    const named = (value: string) => ({ sender: { name: 'Li Namesake', handles: [phone(value)] } });
    const a = await arrive('+8613900000611', 'of a', named('+8613900000611'));
    const b = await arrive('+8613900000612', 'of b', { account: 'sms2', ...named('+8613900000612') });
    const merge = await database.transaction((sql) =>
      mergeContacts(sql, { into: a.contactId, from: b.contactId, reason: 'one', by: 'key' }),
    );
    await database.transaction((sql) => undoMerge(sql, merge!, 'key'));
    await arrive('+8613900000611', 'of a again', named('+8613900000611'));
    await erase(b.contactId);
    expect(await findText(database, 'Li Namesake')).toMatchObject({ contact: 1, message: 2 });
  });

  it('waits for nothing while mentions are looked for', async () => {
    if (database.kind === 'embedded') return; // one connection: everything waits for everything
    const { contactId } = await arrive('+8613900000701', 'x');
    await trace('held', { to: '+8613900000701' });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let isHeld = (): void => {};
    const holding = new Promise<void>((resolve) => (isHeld = resolve));
    const holder = database.transaction(async (sql) => {
      await sql.query(`select 1 from trace where exchange->>'name' = 'trace held' for update`);
      isHeld();
      await held;
    });
    await holding;
    const erasing = erase(contactId);
    const waits = `select 1 from pg_stat_activity where query like '%erase_contact%' and wait_event_type = 'Lock'`;
    while ((await database.query(waits)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const [free] = await database.query(`select pg_try_advisory_xact_lock(hashtextextended('merge', 5)) as got`);
    release();
    await holder;
    expect(free).toEqual({ got: true });
    expect(await erasing).toMatchObject({ record: { counts: { traces: 1 } } });
  });

  it('has the time that it takes', async () => {
    const { contactId } = await arrive('+8613900000702', 'x');
    const allowed = await database.transaction(async (sql) => {
      await eraseContact(sql, contactId, { by: 'key_1' });
      return sql.query('show statement_timeout');
    });
    expect(allowed).toEqual([{ statement_timeout: '0' }]);
  });

  it('has no text in the proof', async () => {
    const { contactId } = await arrive('+8613900000703', 'x');
    for (const asked of [{ reason: 'Wang asked' as never }, { reference: 'Wang Xiaofang' }])
      await expect(
        database.transaction((sql) => eraseContact(sql, contactId, { by: 'key_1', ...asked })),
      ).rejects.toMatchObject({ code: '23514' });
    const erased = await database.transaction((sql) =>
      eraseContact(sql, contactId, { by: 'key_1', reason: 'legal', reference: 'case-17' }),
    );
    expect(erased!.record).toMatchObject({ reason: 'legal', reference: 'case-17' });
  });
});
