import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Conflict, Store1700000000002, type RepliesPort } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { HelpdeskAction, HelpdeskConnector } from '#helpdesk';
import { Identity1700000000001 } from '#identity';
import { ProviderFailure } from '#normalizer';
import type { RawRequest, ReplyToProvider } from '#transport';
import pino from 'pino';
import type { Directory, RunningDestination } from '../directory/index.js';
import { AccountStates } from './account-states.js';
import { AgentActions } from './agent-actions.js';
import { Callbacks } from './callbacks.js';
import type { Opened } from './endpoint-routes.js';
import { FailureGate } from './failure-gate.js';

let actions: HelpdeskAction[] = [];
const connector: Pick<HelpdeskConnector<unknown>, 'callback'> = {
  callback: {
    maxBytes: 100,
    verify: ({ headers }) =>
      headers['x-sign'] === 'good' ? { kind: 'accept' } : { kind: 'reject', reason: 'no good' },
    parse: () => ({ actions, reply: { status: 202 } }),
  },
};
const destination = { id: 'desk', connector, config: {} } as unknown as RunningDestination;
const reply = (dedupeKey: string, text: string, ticketId = '4711'): HelpdeskAction => ({
  kind: 'reply',
  dedupeKey,
  ticketId,
  reply: { text },
});

describeOnEveryDatabase('what agents do in a ticket system', (open) => {
  let database: Database;
  let callbacks: Callbacks;
  let replied: string[];
  let refusal: Error | undefined;
  let storable: boolean;
  const log = pino({ level: 'silent' });

  const post = async (sign = 'good', path = ['desk', 'callback']): Promise<ReplyToProvider> => {
    const opened = callbacks.open({ method: 'POST', path, remoteAddress: '10.0.0.1' });
    if (!('handle' in opened)) return opened;
    const request = {
      method: 'POST',
      headers: { 'x-sign': sign },
      body: Buffer.from('x'),
      query: new URLSearchParams(),
    };
    return (opened as Opened).handle(request as unknown as RawRequest);
  };

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  });
  beforeEach(async () => {
    await database.query('truncate account, contact, conversation, reference, inbox, poison, event');
    await database.query(`insert into contact (id) values ('con_1')`);
    await database.query(`insert into conversation (id, contact_id, continuity) values ('cnv_1', 'con_1', 'contact')`);
    await database.query(
      `insert into reference (conversation_id, destination_id, ticket_id) values ('cnv_1', 'desk', '4711'), ('cnv_1', 'other', '9')`,
    );
    [replied, refusal, actions, storable] = [[], undefined, [], true];
    const replies = {
      async reply(_sql: unknown, conversationId: string, input: { text?: string }) {
        if (refusal) throw refusal;
        replied.push(`${conversationId} ${input.text}`);
        return { threadId: `thr_${replied.length}` };
      },
      async refuse(
        _sql: unknown,
        conversationId: string,
        { input, failure }: { input: { text?: string }; failure: { message: string } },
      ) {
        if (!storable) throw new Conflict('no-thread', 'the conversation has no thread');
        replied.push(`${conversationId} ${input.text} FAILED: ${failure.message}`);
        return { threadId: `thr_${replied.length}` };
      },
    } as unknown as RepliesPort;
    const directory = {
      destination: (id: string) => (id === 'desk' ? destination : undefined),
    } as unknown as Directory;
    const files = {} as never;
    callbacks = new Callbacks({
      ...{ directory, log, actions: new AgentActions({ database, directory, replies, files, log }) },
      gate: new FailureGate(3),
      publicUrl: 'https://x',
      wake: () => undefined,
    });
  });

  it('is carried out once, however often it is told', async () => {
    actions = [reply('k1', 'first'), reply('k2', 'second')];
    for (let i = 0; i < 3; i += 1) expect(await post()).toEqual({ status: 202 });
    expect(replied).toEqual(['cnv_1 first', 'cnv_1 second']);
  });

  it('is hinted at, so that chats show it at once', async () => {
    const hints: string[] = [];
    const end = database.onHint('thread', (threadId) => hints.push(threadId));
    actions = [reply('k1', 'first'), reply('k2', 'to nobody', '9'), reply('k3', 'second')];
    await post();
    await post();
    while (hints.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(hints).toEqual(['thr_1', 'thr_2']);
    end();
  });

  it('closes and reopens conversations, with events', async () => {
    actions = [
      { kind: 'status', dedupeKey: 'k1', ticketId: '4711', status: 'closed' },
      { kind: 'status', dedupeKey: 'k2', ticketId: '4711', status: 'open' },
    ];
    await post();
    expect(await database.query('select type from event order by position')).toEqual([
      { type: 'conversation.closed' },
      { type: 'conversation.reopened' },
    ]);
  });

  it('finds a conversation by the own ticket of the destination only; what cannot be carried out is parked once', async () => {
    actions = [reply('k1', 'to nobody', '9'), reply('k2', 'to somebody')];
    await post();
    await post();
    expect(replied).toEqual(['cnv_1 to somebody']);
    expect(await database.query('select account_id, dedupe_key, error from poison')).toEqual([
      { account_id: 'destination:desk', dedupe_key: 'k1', error: expect.stringContaining('ticket 9') },
    ]);
  });

  it('is stored as failed where it cannot be sent, so that the agent learns it; parked where even that cannot be', async () => {
    actions = [reply('k1', 'too late')];
    refusal = new ProviderFailure('window-closed', 'the window is closed');
    for (let i = 0; i < 2; i += 1) expect(await post()).toEqual({ status: 202 });
    expect(replied).toEqual(['cnv_1 too late FAILED: the window is closed']);
    expect(await database.query('select error from poison')).toEqual([]);
    actions = [reply('k2', 'to nobody')];
    storable = false;
    expect(await post()).toEqual({ status: 202 });
    expect(await database.query('select error from poison')).toEqual([{ error: 'the conversation has no thread' }]);
  });

  it('is refused unsigned, to unknown destinations and other paths, and in a flood', async () => {
    const statuses = [
      await post('good', ['nobody', 'callback']),
      await post('good', ['desk']),
      await post('good', ['desk', 'other']),
    ];
    for (let i = 0; i < 4; i += 1) statuses.push(await post('bad'));
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404, 401, 401, 401, 429]);
  });

  it('and the state of an account is told once for each change, a quiet beginning not at all', async () => {
    await database.query(
      `insert into account (id, type, config, continuity) values ('loud', 'x', '{}', 'contact'), ('quiet', 'x', '{}', 'contact')`,
    );
    const report = (id: string, state: 'connected' | 'degraded', quiet = false) =>
      new AccountStates({ database, log }).report(id, { state, detail: 'because', action: null, quiet });
    await report('loud', 'connected');
    await report('loud', 'connected');
    await report('loud', 'degraded');
    for (const state of ['connected', 'degraded', 'connected'] as const) await report('quiet', state, true);
    expect(await database.query('select type, account_id from event order by position')).toEqual([
      { type: 'account.connected', account_id: 'loud' },
      { type: 'account.degraded', account_id: 'loud' },
      { type: 'account.degraded', account_id: 'quiet' },
      { type: 'account.connected', account_id: 'quiet' },
    ]);
    expect(await database.query(`select state, state_detail from account where id = 'quiet'`)).toEqual([
      { state: 'connected', state_detail: 'because' },
    ]);
  });

  it('and the link of a login is shown to whoever asks for the account, in no event and no log line', async () => {
    await database.query(`insert into account (id, type, config, continuity) values ('wx', 'x', '{}', 'contact')`);
    const lines: string[] = [];
    const states = new AccountStates({ database, log: pino({}, { write: (line: string) => void lines.push(line) }) });
    const waiting = { state: 'disconnected', detail: 'scan this', action: 'Scan it.' } as const;
    for (const link of ['https://login/canary1', 'https://login/canary2'])
      await states.report('wx', { ...waiting, link });
    expect(await database.query(`select state_detail, state_link from account where id = 'wx'`)).toEqual([
      { state_detail: 'scan this', state_link: 'https://login/canary2' },
    ]);
    const events = await database.query('select data from event order by position');
    expect(events).toMatchObject([{ data: { status: waiting } }]);
    expect(JSON.stringify([events, lines])).not.toContain('canary');
  });
});
