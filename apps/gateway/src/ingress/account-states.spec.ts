import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Store1700000000002 } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import pino from 'pino';
import { AccountStates, type StateReport } from './account-states.js';

const log = pino({ level: 'silent' });
const up: StateReport = { state: 'connected', detail: 'logged in as Li', action: null };
const gap = { from: '2026-11-21T09:31:00.000Z', to: '2026-11-21T10:31:00.000Z' };
const after: StateReport = { ...up, detail: `${up.detail}; messages may be missing`, action: 'Look.', gap };

describeOnEveryDatabase('the state of an account', (open) => {
  let database: Database;
  let states: AccountStates;
  const process = () => new AccountStates({ database, log });
  const told = async () =>
    (await database.query<{ type: string; data: object }>('select type, data from event order by id')).map(
      ({ type, data }) => ({ type, ...(data as { status: object }).status }),
    );
  const state = async () =>
    (await database.query('select state, state_detail as detail, state_link as link from account'))[0];

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  });
  beforeEach(async () => {
    await database.query('truncate account, event, outbox');
    await database.query(
      `insert into account (id, type, config, continuity) values ('li', 'wechaty', '{}', 'contact')`,
    );
    states = process();
  });
  afterAll(() => database.close());

  it('is told when it changes, and not when only its words do', async () => {
    expect(await states.report('li', up)).toBe(true);
    await states.report('li', up);
    await states.report('li', { ...up, detail: 'logged in as Wang' });
    await states.report('li', { ...up, state: 'degraded' });
    expect((await told()).map(({ type }) => type)).toEqual(['account.connected', 'account.degraded']);
  });

  it('tells of a gap where it is what it was before: the process that held the account was killed', async () => {
    await states.report('li', up);
    const next = process();
    await next.report('li', after);
    await next.report('li', after);
    expect(await told()).toEqual([expect.objectContaining({ type: 'account.connected', detail: up.detail }),
      { type: 'account.connected', state: 'connected', detail: after.detail, action: 'Look.', gap }]); // prettier-ignore
    expect(await state()).toEqual({ state: 'connected', detail: after.detail, link: null });
    await process().report('li', after);
    expect(await told()).toHaveLength(2);
  });

  it('is not told where the database is away: whoever reported hears so, and may do it again', async () => {
    const { query } = database;
    database.query = () => Promise.reject(new Error('away'));
    expect(await states.report('li', after)).toBe(false);
    database.query = query;
    expect(await states.report('li', after)).toBe(true);
    expect(await told()).toHaveLength(1);
  });

  it('keeps login codes out of events, and forgets them once they are of no use', async () => {
    await states.report('li', { state: 'disconnected', detail: 'waiting', action: 'Scan it.', link: 'canary' });
    expect(await state()).toEqual({ state: 'disconnected', detail: 'waiting', link: 'canary' });
    expect(JSON.stringify(await told())).not.toContain('canary');
    await states.report('li', up);
    expect(await state()).toEqual({ state: 'connected', detail: up.detail, link: null });
  });
});
