import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase, describeOnPostgres } from '#database/testing';
import { addAccount, addDestination, eventsOf, message, STORE } from '../testing/store.js';
import { Intake } from './intake.js';

const PERSON = '+8613700000001';

interface Shown {
  readonly contact: { name: string; company: { name: string }; handles: { proof: string }[]; crm: unknown };
  readonly conversation: { tags: string[]; status: string; references: { ticketId: string }[]; threads: unknown[] };
}

interface Change {
  readonly sql: string;
  readonly shown: (data: Shown) => unknown;
  readonly becomes: unknown;
}

/** Each changes one thing that the snapshots of conversation and contact show, and says where. */
const CHANGES: readonly (readonly [string, Change])[] = [
  ['the name', { sql: `update contact set name = 'Li Wei'`, shown: ({ contact }) => contact.name, becomes: 'Li Wei' }],
  [
    'a company',
    {
      sql: `with k as (insert into company (id, name, level) values ('com_1', 'Firm', 'vip') returning id) update contact set company_id = k.id from k`,
      shown: ({ contact }) => contact.company.name,
      becomes: 'Firm',
    },
  ],
  [
    'the name of the company',
    { sql: `update company set name = 'Firm Ltd'`, shown: ({ contact }) => contact.company.name, becomes: 'Firm Ltd' },
  ],
  [
    'another handle',
    {
      sql: `insert into handle (id, contact_id, scheme, value, proof) select 'hdl_1', id, 'email', 'li@firm.example', 'claimed' from contact`,
      shown: ({ contact }) => contact.handles[1]?.proof,
      becomes: 'claimed',
    },
  ],
  [
    'its proof',
    {
      sql: `update handle set proof = 'verified' where id = 'hdl_1'`,
      shown: ({ contact }) => contact.handles[1]?.proof,
      becomes: 'verified',
    },
  ],
  [
    'a handle less',
    { sql: `delete from handle where id = 'hdl_1'`, shown: ({ contact }) => contact.handles.length, becomes: 1 },
  ],
  [
    'what the CRM knows',
    { sql: `update contact set crm = '{"tier":1}'`, shown: ({ contact }) => contact.crm, becomes: { tier: 1 } },
  ],
  [
    'a tag',
    {
      sql: `update conversation set tags = '{urgent}'`,
      shown: ({ conversation }) => conversation.tags,
      becomes: ['urgent'],
    },
  ],
  [
    'the status',
    {
      sql: `update conversation set status = 'pending'`,
      shown: ({ conversation }) => conversation.status,
      becomes: 'pending',
    },
  ],
  [
    'a ticket',
    {
      sql: `insert into reference (conversation_id, destination_id, ticket_id) select id, 'all', 'T-1' from conversation`,
      shown: ({ conversation }) => conversation.references[0]?.ticketId,
      becomes: 'T-1',
    },
  ],
  [
    'another ticket',
    {
      sql: `update reference set ticket_id = 'T-2'`,
      shown: ({ conversation }) => conversation.references[0]?.ticketId,
      becomes: 'T-2',
    },
  ],
  [
    'another thread',
    {
      sql: `insert into thread (id, account_id, external_id, contact_id) select 'thr_1', 'sms', 'other', id from contact; insert into conversation_thread (conversation_id, thread_id) select id, 'thr_1' from conversation`,
      shown: ({ conversation }) => conversation.threads.length,
      becomes: 2,
    },
  ],
];

describeOnEveryDatabase('snapshots', (open) => {
  let database: Database;
  let intake: Intake;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'all' });
    intake = new Intake(database);
    for (const text of ['first', 'second']) await intake.accept('sms', [message(PERSON, text)]);
  });
  afterAll(() => database.close());

  it.each(CHANGES)('show %s from the next message on', async (_what, { sql: change, shown, becomes }) => {
    await database.transaction(async (sql) => {
      for (const statement of change.split('; ')) await sql.query(statement);
    });
    const stored = [await intake.accept('sms', [message(PERSON, 'next')])];
    stored.push(await intake.accept('sms', [message(PERSON, 'and the one after it')]));
    const events = await eventsOf(database, stored[0]![0]!.conversationId);
    const told = events.slice(-2).map(({ data }) => data as unknown as Shown);
    expect(told.map(shown)).toEqual([becomes, becomes]);
  });
});

describeOnPostgres('a snapshot that is drawn while something changes', (open) => {
  it('shows what was committed since', async () => {
    const database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'all' });
    const intake = new Intake(database);
    const [first] = await intake.accept('sms', [message(PERSON, 'first')]);
    await database.query('update conversation set view = null');
    await database.query('update contact set view = null');
    let meanwhile: Promise<unknown> | undefined;
    await database.transaction(async (sql) => {
      await sql.query(`insert into reference (conversation_id, destination_id, ticket_id) values ($1, 'all', 'T-1')`, [
        first!.conversationId,
      ]);
      await sql.query(
        `insert into handle (id, contact_id, scheme, value, proof) values ('hdl_1', $1, 'email', 'li@firm.example', 'claimed')`,
        [first!.contactId],
      );
      meanwhile = intake.accept('sms', [message(PERSON, 'meanwhile')]);
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    await meanwhile;
    await intake.accept('sms', [message(PERSON, 'after')]);
    const { conversation, contact } = (await eventsOf(database, first!.conversationId)).at(-1)!
      .data as unknown as Shown;
    expect(conversation.references).toMatchObject([{ ticketId: 'T-1' }]);
    expect(contact.handles).toHaveLength(2);
  });
});
