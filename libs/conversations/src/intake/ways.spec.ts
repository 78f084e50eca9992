import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { InboundMessage } from '#normalizer';
import { addAccount, addDestination, eventsOf, message, STORE } from '../testing/store.js';
import type { StoredItem } from '../ports.js';
import { arrange } from './arrange.js';
import { Intake } from './intake.js';
import { type IntakeItem, toItem } from './item.js';

const [LI, WANG, NEW] = ['+8613700000001', '+8613700000002', '+8613700000003'];

interface Row {
  readonly ord: number | null;
}

/** `few`: as they are; `many`: with others that were stored before, so that the batch is large; `single`: each as if it were not plain. */
type Way = 'few' | 'many' | 'single';

interface Case {
  /** What is changed before. */
  readonly sql?: string;
  readonly batch: readonly IntakeItem[];
}

type More = Partial<InboundMessage>;
const sms = (from: string, text: string, more?: More): IntakeItem => toItem('sms', message(from, text, more))[0]!;
const chat = (from: string, text: string, more?: More): IntakeItem => toItem('chat', message(from, text, more))[0]!;
/** By whom everybody is known; each stands in a transaction of its own. */
const EARLIER = [sms(LI, '1'), sms(WANG, '2'), chat(LI, '3')];
const repeatedly = message(LI, 'repeatedly');
const repeated = (): IntakeItem => toItem('sms', repeatedly)[0]!;
const FILE = { type: 'media', mimeType: 'image/png', kind: 'image', ref: 'x', bytes: 5 } as never;

/** Nothing but the change itself is in the way. */
const DRAWN = `; update conversation set view = draw_conversation(conversation); update contact set view = draw_contact(contact)`;

/** Each follows on those before it. */
const CASES: readonly (readonly [string, Case])[] = [
  ['one message', { batch: [sms(LI, 'a')] }],
  ['two of one thread', { batch: [sms(LI, 'b'), sms(LI, 'c')] }],
  ['two people', { batch: [sms(LI, 'd'), sms(WANG, 'e')] }],
  ['two threads of one conversation', { batch: [chat(LI, 'f'), sms(LI, 'g')] }],
  ['one event twice', { batch: [repeated(), repeated()] }],
  ['a repeated event and another', { batch: [repeated(), sms(LI, 'h')] }],
  ['a repeated event alone', { batch: [repeated()] }],
  [
    'all that a message may bear',
    {
      batch: [
        sms(LI, 'i', {
          ...{ externalIds: ['b', 'a', 'a'], subject: 'Re', occurredAt: '2026-01-02T03:04:05.678Z' },
          sender: { name: 'Li', handles: message(LI, '').sender.handles },
        }),
        sms(LI, 'j', { externalIds: ['a'], occurredAt: '2999-01-01T00:00:00.000Z' }),
      ],
    },
  ],
  ['what nobody wrote', { batch: [sms(LI, 'jj', { automated: true })] }],
  ['a file, and a message behind it', { batch: [sms(LI, 'k', { parts: [FILE] }), sms(LI, 'l')] }],
  ['a message, and a file behind it', { batch: [sms(WANG, 'm'), sms(LI, 'n', { parts: [FILE] })] }],
  ['a message that quotes another', { batch: [sms(LI, 'o', { replyTo: 'a' })] }],
  ['somebody new', { batch: [sms(WANG, 'p'), sms(NEW, 'q')] }],
  ['somebody known on a new thread', { batch: [sms(LI, 'r'), sms(LI, 's', { thread: 'new' })] }],
  [
    'a name of somebody who had none',
    { batch: [sms(WANG, 'tt', { sender: { name: 'Wang', handles: message(WANG, '').sender.handles } })] },
  ],
  ['a cursor', { batch: [sms(LI, 't'), { kind: 'cursor', name: 'poll', value: '7' }] }],
  ['a conversation that was not drawn', { sql: 'update conversation set view = null', batch: [sms(LI, 'u')] }],
  ['a contact that was not drawn', { sql: 'update contact set view = null', batch: [sms(LI, 'v')] }],
  [
    'open choices',
    {
      sql: `update thread set open_choices = '{"1":{"type":"choice","id":"y","label":"Yes"}}'${DRAWN}`,
      batch: [sms(LI, '1'), sms(LI, 'w')],
    },
  ],
  [
    'what was written long ago',
    {
      sql: `update thread set open_choices = null, last_inbound_at = '2001-01-01', sent_since_inbound = 3${DRAWN}`,
      batch: [sms(LI, 'x', { occurredAt: '2026-01-02T03:04:05.678Z' })],
    },
  ],
  [
    'a thread that is known by another handle',
    { sql: `update thread set handles = '[]'${DRAWN}`, batch: [sms(LI, 'y'), sms(WANG, 'z')] },
  ],
  [
    'a thread of another contact',
    { sql: `update thread set contact_id = 'con_x'${DRAWN}`, batch: [sms(LI, 'A'), sms(WANG, 'B')] },
  ],
  [
    'closed conversations',
    {
      sql: `update conversation set status = 'closed', closed_at = now()${DRAWN}`,
      batch: [sms(LI, 'C'), sms(WANG, 'D')],
    },
  ],
  ['blocked contacts', { sql: `update contact set blocked = true${DRAWN}`, batch: [sms(LI, 'E'), sms(WANG, 'F')] }],
  [
    'a handle that went to another contact',
    {
      sql: `update contact set blocked = false; update handle set contact_id = (select contact_id from handle where value = '${WANG}') where value = '${LI}'${DRAWN}`,
      batch: [sms(LI, 'G')],
    },
  ],
  [
    'a conversation of another contact',
    { sql: `update conversation set contact_id = 'con_x'${DRAWN}`, batch: [sms(WANG, 'H')] },
  ],
  ['nobody who would be told', { sql: `delete from destination${DRAWN}`, batch: [sms(WANG, 'I')] }],
];

/** Tables, and an order of their rows that is the same each time. */
const TABLES = {
  inbox: 'dedupe_key',
  contact: 'created_at',
  handle: 'value',
  thread: 'account_id, external_id',
  conversation: 'created_at',
  conversation_thread: '(select t.account_id || t.external_id from thread t where t.id = x.thread_id), added_at',
  message: 'id',
  external_ref: 'external_id',
  file: 'id',
  event: 'position',
  outbox: 'position',
  cursor: 'name',
};

/**
 * Everything that is another each time, in place of what it is: made ids by their first appearance, times of just now, and of a partition whether it is the one
 * that its lane has everywhere.
 */
function anonymous(seen: unknown): unknown {
  const ids = new Map<string, string>();
  const partitions = new Map<string, number>();
  const nameOf = (id: string): string => ids.get(id) ?? (ids.set(id, `${id.slice(0, 3)} ${ids.size}`), ids.get(id)!);
  const settle = (_key: string, value: { lane: string; partition: number } | null): unknown => {
    if (typeof value?.lane !== 'string') return value;
    if (!partitions.has(value.lane)) partitions.set(value.lane, value.partition);
    return { ...value, lane: [value.lane], partition: partitions.get(value.lane) === value.partition };
  };
  const text = JSON.stringify(seen, settle)
    .replace(/\b(con|cnv|thr|hdl|evt)_[0-9a-z]+/g, nameOf)
    .replace(/"20\d\d-[^"]+"/g, (time) => (isJustNow(JSON.parse(time) as string) ? '"now"' : time));
  return JSON.parse(text);
}

function isJustNow(time: string): boolean {
  return Math.abs(Date.parse(time) - Date.now()) < 3_600_000;
}

describeOnEveryDatabase('the ways of intake', (open) => {
  let database: Database;
  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(clean);
  afterAll(() => database.close());

  async function clean(): Promise<void> {
    await database.query(`truncate ${[...Object.keys(TABLES), 'account', 'destination'].join(', ')} restart identity`);
    await addAccount(database, { id: 'sms' });
    await addAccount(database, { id: 'chat', type: 'webchat' });
    await addDestination(database, { id: 'all' });
    await addDestination(database, { id: 'chat', channels: ['webchat'] });
    await addDestination(database, { id: 'opened', events: ['conversation.*'] });
    await addDestination(database, { id: 'sms-messages', events: ['message.*'], accounts: ['sms'] });
  }

  const store = (sql: Sql, items: readonly IntakeItem[], after: number | null): Promise<Row[]> =>
    sql.query('select * from intake($1::jsonb, $2::bigint)', [JSON.stringify(items), after]);

  /** The batch as it takes that way. */
  function directed(batch: readonly IntakeItem[], way: Way): readonly IntakeItem[] {
    const items = arrange(structuredClone(way === 'many' ? [...batch, ...EARLIER] : batch));
    if (way === 'single') for (const item of items) if (item.kind === 'message') item.plain = false;
    return items;
  }

  async function rowsOf(): Promise<object> {
    const rows: Record<string, unknown> = {};
    for (const [table, order] of Object.entries(TABLES))
      rows[table] = await database.query(`select to_jsonb(x) as row from ${table} x order by ${order}`);
    return rows;
  }

  /** What every batch in turn was answered and left behind. */
  async function course(way: Way, after: number | null): Promise<unknown[]> {
    const seen: object[] = [];
    await clean();
    for (const item of EARLIER) await store(database, arrange([item]), after);
    for (const [what, { sql, batch }] of CASES) {
      for (const statement of sql?.split('; ') ?? []) await database.query(statement);
      const rows = await store(database, directed(batch, way), after);
      const told = rows.filter(({ ord }) => ord !== null && ord <= batch.length).sort((a, b) => a.ord! - b.ord!);
      seen.push({ what, told, laid: rows.filter(({ ord }) => ord === null), ...(await rowsOf()) });
    }
    return anonymous(seen) as unknown[];
  }

  it.each([
    ['many', 'in a large batch', 0],
    ['single', 'one by one', 0],
    ['single', 'one by one, where nothing is handed over', null],
  ] as const)('store the same of few messages as (%s) %s', async (way, _how, after) => {
    const few = await course('few', after);
    const others = await course(way, after);
    expect(few).toHaveLength(CASES.length);
    few.forEach((stored, at) => expect(stored).toEqual(others[at]));
  });

  it('are the shortest one for few messages that change nothing but counters, and for no others', async () => {
    for (const item of EARLIER) await store(database, arrange([item]), null);
    const isShort = (...batch: IntakeItem[]): Promise<boolean> =>
      database
        .transaction(async (sql) => {
          const [{ text }] = (await sql.query(
            `select regexp_replace(pg_get_functiondef('store_rest'::regproc), '\\$function\\$.*', '') as text`,
          )) as [{ text: string }];
          await sql.query(`${text} $$ begin raise 'by the long way'; end $$`);
          await store(sql, arrange(batch), null);
          throw new Error('by the short way');
        })
        .catch(({ message: way }: Error) => /short way/.test(way));
    expect(await isShort(sms(LI, 'a'))).toBe(true);
    expect(await isShort(sms(LI, 'b'), sms(WANG, 'c'))).toBe(true);
    expect(await isShort(sms(NEW, 'd'))).toBe(false);
    expect(await isShort(sms(LI, 'e'), sms(LI, 'f', { parts: [FILE] }))).toBe(false);
  });

  it('number what arrives at the same moment without a gap, and tell it in that order', async () => {
    const accepted = Array.from({ length: 6 }, async (_, sender) => {
      const intake = new Intake(database);
      const stored: StoredItem[] = [];
      for (let n = 0; n < 16; n += 1) {
        const parts = n % 5 === 4 ? { parts: [FILE] } : {};
        const messages = Array.from({ length: 1 + (n % 3) }, () => message(n % 4 ? LI : WANG, `${sender} ${n}`, parts));
        stored.push(...(await intake.accept((n + sender) % 3 ? 'sms' : 'chat', messages)));
      }
      return stored;
    });
    const stored = (await Promise.all(accepted)).flat();
    expect(stored.every(({ id, duplicate }) => id !== null && !duplicate)).toBe(true);
    const told = await eventsOf(database);
    const conversations = [...new Set(stored.map(({ conversationId }) => conversationId))];
    expect(conversations).toHaveLength(2);
    for (const id of conversations) {
      const events = told.filter(({ conversation_id }) => conversation_id === id);
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1));
      const messages = events.flatMap(({ data }) => (data.message ? [data.message.sequence] : []));
      expect(messages).toEqual(messages.map((_, at) => at + 1));
    }
    const threads = new Map<string, number[]>();
    for (const { threadId, threadSequence } of stored)
      threads.set(threadId!, [...(threads.get(threadId!) ?? []), threadSequence!]);
    for (const numbers of threads.values())
      expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, at) => at + 1));
  });
});
