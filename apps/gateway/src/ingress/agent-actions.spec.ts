import { Readable } from 'node:stream';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { keepReference, referenceOf, Replies, Store1700000000002 } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { DeliveryRefused, type HelpdeskAction } from '#helpdesk';
import { Identity1700000000001 } from '#identity';
import { ProviderFailure } from '#normalizer';
import pino from 'pino';
import type { Directory, RunningDestination } from '../directory/index.js';
import { AgentActions } from './agent-actions.js';

type Reply = Extract<HelpdeskAction, { kind: 'reply' }>;

describeOnEveryDatabase('answers of agents', (open) => {
  let database: Database;
  let actions: AgentActions;
  let opened: string[];
  let failing: Error | undefined;
  let discarded: string[];
  let window: { hours: number } | null;

  const destination = {
    id: 'desk',
    config: {},
    connector: {
      async openFile(ref: string) {
        opened.push(ref);
        if (failing) throw failing;
        return { stream: Readable.from(['x']), mimeType: 'application/pdf' };
      },
    },
  } as unknown as RunningDestination;
  const answer = (changes: Partial<Reply> = {}): Reply => ({
    ...{ kind: 'reply', dedupeKey: 'k1', ticketId: '4711' },
    reply: { text: 'Fixed', author: { kind: 'agent', name: 'Lin' } },
    ...changes,
  });
  const file = { ref: 'a1', name: 'manual.pdf' };
  const messages = () =>
    database.query(`select parts, author, status, failure->>'code' as code from message order by sequence`);

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  });
  beforeEach(async () => {
    await database.query(
      'truncate account, contact, conversation, conversation_thread, thread, message, unit, reference, inbox, poison, event, file, outbox, destination, delivery',
    );
    await database.query(`insert into account (id, type, config, continuity) values ('sms', 'fake', '{}', 'contact')`);
    await database.query(`insert into contact (id) values ('con_1')`);
    await database.query(
      `insert into thread (id, account_id, external_id, contact_id) values ('thr_1', 'sms', '+1', 'con_1')`,
    );
    await database.query(
      `insert into conversation (id, contact_id, continuity) values ('cnv_1', 'con_1', 'contact'), ('cnv_2', 'con_1', 'contact')`,
    );
    await database.query(`insert into conversation_thread (conversation_id, thread_id) values ('cnv_1', 'thr_1')`);
    await database.query(
      `insert into reference (conversation_id, destination_id, ticket_id) values ('cnv_1', 'desk', '4711')`,
    );
    [opened, failing, discarded, window] = [[], undefined, [], null];
    const channels = {
      fit: (_account: string, { parts }: { parts: never[] }) => [{ index: 0, count: 1, parts, text: 'x' }],
      rules: () => ({ type: 'fake', enabled: true, hosted: false, window, initiate: [], parts: [], limits: {} }),
      accountsOf: () => [],
    };
    let count = 0;
    const files = {
      receive: async () => ({
        id: `fil_${(count += 1)}`,
        key: 'k',
        sha256: 's',
        name: 'manual.pdf',
        mimeType: 'application/pdf',
        bytes: 1,
        kind: 'file',
      }),
      record: async (sql: Database, { id }: { id: string }) =>
        void (await sql.query(
          `insert into file (id, mime_type, bytes, name) values ($1, 'application/pdf', 1, 'manual.pdf')`,
          [id],
        )),
      discard: async ({ id }: { id: string }) => void discarded.push(id),
    };
    const directory = { connectorContext: () => ({}) } as unknown as Directory;
    const replies = new Replies(database, channels as never);
    actions = new AgentActions({ database, directory, replies, files: files as never, log: pino({ level: 'silent' }) });
  });

  it('go out with their files, once, and say in which ticket system they were written', async () => {
    for (let i = 0; i < 2; i += 1) await actions.act(destination, [answer({ files: [file] })]);
    expect(opened).toEqual(['a1']);
    expect(await messages()).toMatchObject([
      {
        parts: [
          { type: 'text', text: 'Fixed' },
          { type: 'media', kind: 'file', fileId: 'fil_1', name: 'manual.pdf' },
        ],
        author: { kind: 'agent', name: 'Lin', via: 'destination:desk' },
        status: 'queued',
      },
    ]);
    await actions.act(destination, [answer({ dedupeKey: 'k2', reply: { author: { kind: 'agent' } }, files: [file] })]);
    expect((await messages())[1]).toMatchObject({ parts: [{ type: 'media' }] });
  });

  it('wait for a file that cannot be fetched now, and give it up in the end: the agent learns that', async () => {
    failing = new ProviderFailure('unavailable', 'no answer');
    for (let i = 0; i < 4; i += 1)
      await expect(actions.act(destination, [answer({ files: [file] })])).rejects.toThrow('no answer');
    expect(await messages()).toEqual([]);
    await actions.act(destination, [answer({ files: [file] })]);
    expect(await messages()).toMatchObject([
      { parts: [{ type: 'text', text: 'Fixed' }], status: 'queued' },
      { parts: [{ type: 'text', text: '[manual.pdf]' }], status: 'failed', code: 'unavailable' },
    ]);
  });

  it('do without a file that does not exist', async () => {
    failing = new DeliveryRefused(404, 'answered 404');
    await actions.act(destination, [answer({ files: [file] })]);
    expect((await messages()).map(({ status }) => status)).toEqual(['queued', 'failed']);
  });

  it('are stored as failed where they cannot be sent, and told of; with another way, that is taken', async () => {
    window = { hours: 48 };
    await actions.act(destination, [answer()]);
    expect(await messages()).toMatchObject([
      { status: 'failed', code: 'window-closed', author: { via: 'destination:desk' } },
    ]);
    expect(await database.query('select type from event order by position')).toEqual([
      { type: 'message.queued' },
      { type: 'message.failed' },
    ]);
    await actions.act(destination, [
      answer({ dedupeKey: 'k2', reply: { text: 'again', fallback: [{ channel: 'sms' }] } }),
    ]);
    expect((await messages())[1]).toMatchObject({ status: 'queued', code: null });
    expect(await database.query('select 1 from message where fallback_at is not null')).toHaveLength(1);
  });

  it('find the conversation that their ticket names, where the destination was told of it, and no other', async () => {
    const named = (dedupeKey: string, conversationId: string) => answer({ dedupeKey, ticketId: '9', conversationId });
    await actions.act(destination, [named('k1', 'cnv_1')]);
    expect(await messages()).toEqual([]);
    expect(await database.query('select dedupe_key from poison')).toEqual([{ dedupe_key: 'k1' }]);
    await database.query(
      `insert into event (id, type, conversation_id, created_at) values ('evt_1', 'message.received', 'cnv_1', now())`,
    );
    await database.query(
      `insert into delivery (destination_id, event_id, state, attempts) values ('desk', 'evt_1', 'delivered', 1)`,
    );
    await actions.act(destination, [named('k2', 'cnv_1'), named('k3', 'cnv_2')]);
    expect(await messages()).toHaveLength(1);
    expect(await database.query('select dedupe_key from poison order by dedupe_key')).toEqual([
      { dedupe_key: 'k1' },
      { dedupe_key: 'k3' },
    ]);
  });

  describe('in a ticket of two persons', () => {
    beforeEach(async () => {
      await database.query(`insert into contact (id, name) values ('con_2', 'Li Lei')`);
      await database.query(
        `insert into thread (id, account_id, external_id, contact_id) values ('thr_2', 'sms', '+2', 'con_2')`,
      );
      await database.query(
        `insert into conversation (id, contact_id, continuity) values ('cnv_3', 'con_2', 'contact')`,
      );
      await database.query(`insert into conversation_thread (conversation_id, thread_id) values ('cnv_3', 'thr_2')`);
      await keepReference(database, { conversationId: 'cnv_3', destinationId: 'desk' }, { ticketId: '9' });
      await database.query(
        `insert into destination (id, type, config) values ('desk', 'rt', '{}') on conflict do nothing`,
      );
      await keepReference(database, { conversationId: 'cnv_3', destinationId: 'desk' }, { ticketId: '4711' });
    });
    const answered = () => database.query('select conversation_id as id from message order by id');

    it('go to the one whose ticket it is, whoever was merged into it and wrote last', async () => {
      await database.query(`update conversation set updated_at = now() + interval '1 hour' where id = 'cnv_3'`);
      await actions.act(destination, [answer()]);
      expect(await answered()).toEqual([{ id: 'cnv_1' }]);
      expect(await referenceOf(database, 'cnv_1', 'desk')).toMatchObject({ ticketId: '4711', sharedWith: ['Li Lei'] });
      expect(await referenceOf(database, 'cnv_3', 'desk')).toMatchObject({ sharedWith: ['con_1'] });
    });

    it('go to nobody else where the ticket names who is known no more as its person', async () => {
      await database.query(`delete from reference where conversation_id = 'cnv_1'`);
      await database.query(
        `insert into event (id, type, conversation_id, created_at) values ('evt_1', 'message.received', 'cnv_1', now())`,
      );
      await database.query(
        `insert into delivery (destination_id, event_id, state, attempts) values ('desk', 'evt_1', 'delivered', 1)`,
      );
      await actions.act(destination, [answer({ conversationId: 'cnv_1' })]);
      expect(await answered()).toEqual([{ id: 'cnv_1' }]);
    });

    it('of one person go to the conversation that goes on', async () => {
      for (const table of ['conversation', 'thread'])
        await database.query(`update ${table} set contact_id = 'con_1' where id in ('cnv_3', 'thr_2')`);
      await database.query(`update conversation set status = 'closed' where id = 'cnv_1'`);
      await actions.act(destination, [answer()]);
      expect(await database.query('select error from poison')).toEqual([]);
      expect(await answered()).toEqual([{ id: 'cnv_3' }]);
      expect(await referenceOf(database, 'cnv_1', 'desk')).toMatchObject({ sharedWith: [] });
    });

    it('close the conversations of both', async () => {
      await actions.act(destination, [{ kind: 'status', dedupeKey: 'k1', ticketId: '4711', status: 'closed' }]);
      expect(await database.query(`select id from conversation where status = 'closed' order by id`)).toEqual([
        { id: 'cnv_1' },
        { id: 'cnv_3' },
      ]);
    });
  });

  it('close conversations in their name, so that it is not told back to them', async () => {
    await actions.act(destination, [{ kind: 'status', dedupeKey: 'k1', ticketId: '4711', status: 'closed' }]);
    expect(await database.query(`select type, data->>'via' as via from event`)).toEqual([
      { type: 'conversation.closed', via: 'destination:desk' },
    ]);
  });

  it('that the connector refuses are kept as answers that failed, and go to nobody', async () => {
    const refusal = { code: 'unauthorized', message: 'nothing vouches for the sender' } as const;
    await actions.act(destination, [answer({ refusal })]);
    expect(await messages()).toMatchObject([{ status: 'failed', code: 'unauthorized', parts: [{ text: 'Fixed' }] }]);
    expect(await database.query('select id from unit')).toEqual([]);
  });

  it('what was handed over and came back is a dead letter, and nothing else is', async () => {
    await database.query(`insert into delivery (destination_id, event_id, state, attempts) values
      ('desk', 'evt_1', 'delivered', 1), ('desk', 'evt_2', 'delivered', 1), ('other', 'evt_1', 'delivered', 1)`);
    const failure = { code: 'recipient-gone', message: 'the mail came back' } as const;
    const told = { kind: 'undelivered', dedupeKey: 'k1', ticketId: '4711', eventId: 'evt_1', failure } as const;
    await actions.act(destination, [told, { ...told, dedupeKey: 'k2', eventId: 'evt_none' }]);
    expect(
      await database.query(
        `select destination_id as of, event_id as id, failure->>'message' as why from delivery where state = 'dead'`,
      ),
    ).toEqual([{ of: 'desk', id: 'evt_1', why: 'the mail came back' }]);
    expect(await database.query('select error from poison')).toEqual([{ error: 'event evt_none was not delivered' }]);
  });

  it('is not stopped by characters that nothing can store', async () => {
    const half = '\ud83d';
    await actions.act(destination, [
      answer({ reply: { text: `One\0${half}`, author: { kind: 'agent', name: `Lin\0${half}` } } }),
      answer({ dedupeKey: 'k2' }),
    ]);
    expect(await messages()).toMatchObject([
      { parts: [{ text: 'One\ufffd\ufffd' }], author: { name: 'Lin\ufffd\ufffd' } },
      { parts: [{ text: 'Fixed' }] },
    ]);
  });
});
