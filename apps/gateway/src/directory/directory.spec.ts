import { beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { ChannelAdapter } from '#channels';
import { AccountStore, DestinationStore, Leases, Store1700000000002, Vault } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { HelpdeskConnector } from '#helpdesk';
import { Identity1700000000001 } from '#identity';
import { secret } from '#normalizer';
import { addressGuard, guardedDial, guardedHttp } from '#transport';
import pino from 'pino';
import { z } from 'zod';
import { Directory, SharedValues, TraceWriter } from './index.js';

const config = z.object({ token: secret(), limit: z.int().default(7) });
const channel = { type: 'fake', config, continuity: 'contact', ingress: {} } as unknown as ChannelAdapter<
  unknown,
  unknown
>;
const hook = z.object({ url: z.url(), secret: secret().optional() });
const connector = { type: 'hook', config: hook } as unknown as HelpdeskConnector<unknown>;

describeOnEveryDatabase('the directory', (open) => {
  let database: Database;
  let accounts: AccountStore;
  let destinations: DestinationStore;
  let directory: Directory;
  let traces: TraceWriter;
  const complaints: object[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void complaints.push(JSON.parse(line) as object) });
  const vault = new Vault('the passphrase of this test');
  const shared = () => new SharedValues({ database, vault, leases: new Leases(database) });

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  });
  beforeEach(async () => {
    await database.query('truncate account, destination, shared_value, lease, trace, message');
    await database.query(
      `insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, status, occurred_at, received_at)
       select 'msg_' || n, 'cnv_1', 'thr_1', 'a', n, n, 'inbound', '{}', '[]', '', 'received', now(), now() from generate_series(1, 2) n`,
    );
    accounts = new AccountStore({
      database,
      vault,
      kind: (type) => (type === 'fake' ? { config, continuity: 'contact', hosted: false } : undefined),
    });
    destinations = new DestinationStore({ database, vault, schema: (type) => (type === 'hook' ? hook : undefined) });
    traces = new TraceWriter(database);
    const http = guardedHttp();
    directory = new Directory({
      ...{
        database,
        accounts,
        destinations,
        http,
        deliveryHttp: http,
        dial: guardedDial(addressGuard()),
        traces,
        shared: shared(),
      },
      ...{ adapters: [channel], connectors: [connector], log, publicUrl: 'https://gateway.example' },
      ...{ files: undefined as never, fileUrls: { sign: (id: string, ttl: number) => `${id}?${ttl}` } as never },
    });
  });

  it('knows accounts and destinations with their settings parsed and their secrets open', async () => {
    await accounts.create(database, { id: 'a', type: 'fake', config: { token: 'tok-123' } });
    await destinations.create(database, {
      id: 'd',
      type: 'hook',
      config: { url: 'https://x.example', secret: 'sec-456' },
    });
    let changes = 0;
    directory.onChange(() => (changes += 1));
    await directory.changed();
    await directory.reload();
    expect(directory.account('a')).toMatchObject({
      adapter: channel,
      config: { token: 'tok-123', limit: 7 },
      secrets: ['tok-123'],
      enabled: true,
    });
    expect(directory.destination('d')).toMatchObject({ connector, signingSecrets: ['sec-456'], state: 'active' });
    expect(changes).toBe(1);
    await accounts.remove(database, 'a');
    await directory.changed();
    expect([directory.accounts(), changes]).toEqual([[], 2]);
  });

  it('keeps serving the others when the settings of one do not work', async () => {
    await accounts.create(database, { id: 'good', type: 'fake', config: { token: 'tok-123' } });
    await accounts.create(database, { id: 'bad', type: 'fake', config: { token: 'tok-123' } });
    await database.query(`update account set config = config - 'token' where id = 'bad'`);
    await accounts.create(database, { id: 'swapped', type: 'fake', config: { token: 'tok-123' } });
    await database.query(
      `update account set config = (select config from account where id = 'good') where id = 'swapped'`,
    );
    await directory.reload();
    expect(directory.accounts().map(({ id }) => id)).toEqual(['good']);
    expect([...directory.broken()]).toEqual([
      ['bad', expect.stringContaining('token')],
      ['swapped', expect.stringContaining('another place')],
    ]);
  });

  it('says which destination cannot be served, and why, in the log once', async () => {
    const config = { url: 'https://x.example' };
    for (const id of ['good', 'bad']) await destinations.create(database, { id, type: 'hook', config });
    await database.query(`update destination set config = '{"url": 7}' where id = 'bad'`);
    complaints.length = 0;
    await directory.reload();
    await directory.reload();
    expect(directory.destinations().map(({ id }) => id)).toEqual(['good']);
    expect([...directory.brokenDestinations()]).toEqual([['bad', expect.stringContaining('url')]]);
    expect(complaints).toEqual([
      expect.objectContaining({ destination: 'bad', reason: expect.stringContaining('url') }),
    ]);
    await destinations.update(database, 'bad', { config });
    await directory.changed();
    expect([directory.destinations().length, directory.brokenDestinations().size]).toEqual([2, 0]);
  });

  it('hears of changes by a hint', async () => {
    await directory.start();
    const known = new Promise<void>((resolve) => directory.onChange(() => directory.account('a') && resolve()));
    await accounts.create(database, { id: 'a', type: 'fake', config: { token: 'tok-123' } });
    await known;
    await directory.stop();
  });

  it('keeps what a connector holds until the settings of its destination change, or it stops', async () => {
    const config = { url: 'https://x.example' };
    for (const id of ['d', 'e']) await destinations.create(database, { id, type: 'hook', config });
    await directory.reload();
    const closed: string[] = [];
    let opened = 0;
    const held = (id: string) =>
      directory
        .connectorContext(directory.destination(id)!, { signal: AbortSignal.timeout(5_000), replay: false })
        .hold(() => ({ number: (opened += 1), close: async () => void closed.push(id) })).number;
    expect([held('d'), held('e'), held('d')]).toEqual([1, 2, 1]);
    await destinations.update(database, 'd', { config: { url: 'https://y.example' } });
    await directory.changed();
    expect([closed, held('d'), held('e')]).toEqual([['d'], 3, 2]);
    await destinations.remove(database, 'e');
    await directory.changed();
    expect(closed).toEqual(['d', 'e']);
    await directory.stop();
    expect(closed).toEqual(['d', 'e', 'd']);
  });

  it('writes what adapters say to providers as traces, without secrets and beside the work', async () => {
    await accounts.create(database, { id: 'a', type: 'fake', config: { token: 'tok-canary' } });
    await directory.reload();
    const context = directory.adapterContext(directory.account('a')!, {
      signal: AbortSignal.timeout(5_000),
      messageId: 'msg_1',
    });
    await expect(context.http.request({ url: 'http://127.0.0.1:1/tok-canary' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await traces.flush();
    const rows = await database.query('select account_id, message_id, direction, exchange from trace');
    expect(rows).toMatchObject([
      { account_id: 'a', message_id: 'msg_1', direction: 'out', exchange: { failure: { code: 'config-invalid' } } },
    ]);
    expect(JSON.stringify(rows)).not.toContain('canary');
    expect(context.fileUrl('fil_1')).toBe('fil_1?3600');
  });

  it('writes what providers call with as traces of the messages that came of it, without secrets and texts', async () => {
    await accounts.create(database, { id: 'a', type: 'fake', config: { token: 'tok-canary' } });
    await directory.reload();
    const body = Buffer.from(JSON.stringify({ id: 'm-1', text: 'private words', token: 'tok-canary' }));
    const exchange = {
      at: 1_700_000_000_000,
      durationMs: 3,
      request: {
        method: 'POST',
        url: 'https://x.example/channels/a/tok-canary',
        headers: { 'content-type': 'application/json' },
        body,
      },
      response: { status: 200, headers: {}, body: null },
      failure: null,
    };
    directory.traceCall(directory.account('a')!, exchange, ['msg_1', 'msg_2', 'msg_1']);
    await new Promise((resolve) => setImmediate(resolve));
    await traces.flush();
    const rows = await database.query(
      'select account_id, message_id, direction, exchange from trace order by position',
    );
    expect(rows).toMatchObject(
      ['msg_1', 'msg_2'].map((message_id) => ({
        account_id: 'a',
        message_id,
        direction: 'in',
        exchange: { response: { status: 200 } },
      })),
    );
    expect(JSON.stringify(rows)).toContain('m-1');
    expect(JSON.stringify(rows)).not.toMatch(/canary|private words/);
  });

  it('keeps traces while the database is away, up to a limit', async () => {
    const away = new TraceWriter({ query: jest.fn(async () => Promise.reject(new Error('away'))) } as never);
    for (let i = 0; i < 5_010; i += 1) away.add({ direction: 'out', exchange: {} as never });
    await away.flush();
    expect(away.dropped).toBe(10);
  });

  it('wants only some of very many exchanges of one account in a second, and of the failed ones as many', () => {
    jest.useFakeTimers({ now: 0 });
    const wanted = (whose: string, failed: boolean) =>
      Array.from({ length: 100 }, () => traces.wants(whose, failed)).filter(Boolean).length;
    expect([wanted('in a', false), wanted('in a', true), wanted('in b', false)]).toEqual([20, 20, 20]);
    jest.advanceTimersByTime(1_000);
    expect(wanted('in a', false)).toBe(20);
    jest.useRealTimers();
  });

  it('has a shared value made once, by one process, and stored sealed', async () => {
    const [one, other] = [shared(), shared()];
    let made = 0;
    const make = async () => `canary-token-${(made += 1)}`;
    const values = await Promise.all([one, one, other, other].map((process) => process.once('k', 60_000, make)));
    expect([values, made]).toEqual([Array(4).fill('canary-token-1'), 1]);
    expect(JSON.stringify(await database.query('select * from shared_value'))).not.toContain('canary');
    await one.forget('k');
    expect(await one.once('k', 60_000, make)).toBe('canary-token-2');
    await other.forget('k');
    expect(await other.once('k', 60_000, make)).toBe('canary-token-2');
  });

  it('has what is remembered of an account seen by every process at once, stored sealed, and kept no longer than said', async () => {
    const [one, other] = [shared(), shared()];
    expect(await one.recall('k')).toBeUndefined();
    await one.remember('k', 'canary-1', 60_000);
    expect(await other.recall('k')).toBe('canary-1');
    await other.remember('k', 'canary-2', 60_000);
    expect([await one.recall('k'), await other.recall('k')]).toEqual(['canary-2', 'canary-2']);
    expect(JSON.stringify(await database.query('select * from shared_value'))).not.toContain('canary');
    await one.remember('k', 'canary-3', 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await other.recall('k')).toBeUndefined();
  });

  it('reads what was shared after the key was changed and the one before it is gone', async () => {
    const by = (sealing: Vault) => new SharedValues({ database, vault: sealing, leases: new Leases(database) });
    await shared().remember('k', 'kept', 60_000);
    await by(new Vault('the next passphrase', 'the passphrase of this test')).renewSecrets();
    expect(await by(new Vault('the next passphrase')).recall('k')).toBe('kept');
  });

  it('makes a shared value again once it has run out, and after a failure', async () => {
    const values = shared();
    await expect(values.once('k', 60_000, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await values.once('k', 1, async () => 'short')).toBe('short');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await values.once('k', 60_000, async () => 'fresh')).toBe('fresh');
  });
});
