import { Readable } from 'node:stream';
import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Replies, Store1700000000002 } from '#conversations';
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

  it('close conversations in their name, so that it is not told back to them', async () => {
    await actions.act(destination, [{ kind: 'status', dedupeKey: 'k1', ticketId: '4711', status: 'closed' }]);
    expect(await database.query(`select type, data->>'via' as via from event`)).toEqual([
      { type: 'conversation.closed', via: 'destination:desk' },
    ]);
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
