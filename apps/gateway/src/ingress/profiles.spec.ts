import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Intake } from '#conversations';
import { parseInbound, ProviderFailure, type Handle, type InboundEvent } from '#normalizer';
import { pino } from 'pino';
import type { RunningAccount } from '../directory/index.js';
import { STORE } from '../api/testing/store.js';
import { Profiles } from './profiles.js';

describeOnEveryDatabase('what channels tell of who wrote', (open) => {
  let database: Database;
  let profiles: Profiles;
  let asked: string[];
  let tells: (handle: Handle) => Promise<{ handles: Handle[]; name?: string }>;
  let day = 0;
  let events = 0;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['official', 'mini'])
      await database.query(
        `insert into account (id, type, name, config, continuity, hosted) values ($1, 'wechat-official', $1, '{}', 'contact', false)`,
        [id],
      );
  });
  afterAll(() => database.close());
  beforeEach(() => {
    asked = [];
    tells = async ({ value }) => ({ handles: [unionid(value.split('@')[0] ?? '')] });
    profiles = new Profiles({
      database,
      directory: { adapterContext: () => ({}) as never },
      log: pino({ level: 'silent' }),
      now: () => day * 86_400_001,
    });
  });

  const unionid = (value: string): Handle => ({ scheme: 'wechat-unionid', scope: '', value, proof: 'channel' });
  const account = (id: string, able = true): RunningAccount =>
    ({
      id,
      version: '1',
      adapter: able && { profile: (handle: Handle) => (asked.push(handle.value), tells(handle)) },
    }) as never;

  async function write(id: string, person: string): Promise<string> {
    const event: InboundEvent = parseInbound({
      kind: 'message',
      dedupeKey: `e${(events += 1)}`,
      thread: person,
      sender: { handles: [{ scheme: 'wechat-openid', scope: id, value: `${person}@${id}` }] },
      parts: [{ type: 'text', text: 'hi' }],
    });
    const stored = await new Intake(database).accept(id, [event]);
    profiles.stored(account(id), [event], stored);
    await settled();
    return stored[0]!.contactId!;
  }
  const settled = async () => {
    while (profiles['running'].size > 0) await Promise.all(profiles['running']);
  };
  const handlesOf = (contactId: string) =>
    database.query('select scheme, value, proof, source from handle where contact_id = $1 order by scheme', [
      contactId,
    ]);

  it('is given to the contact, with who vouches for it', async () => {
    const contact = await write('official', 'wang');
    expect(await handlesOf(contact)).toMatchObject([
      { scheme: 'wechat-openid', value: 'wang@official' },
      { scheme: 'wechat-unionid', value: 'wang', proof: 'channel', source: 'account:official' },
    ]);
  });

  it('makes one contact of a person on two accounts', async () => {
    await write('official', 'li');
    await write('mini', 'li');
    expect(await write('mini', 'li')).toBe(await write('official', 'li'));
  });

  it('is asked once a day for each person and account', async () => {
    for (let i = 0; i < 3; i += 1) await write('official', 'zhao');
    await write('official', 'qian');
    expect(asked).toEqual(['zhao@official', 'qian@official']);
    day += 1;
    await write('official', 'zhao');
    expect(asked).toHaveLength(3);
  });

  it.each<[string, () => Error, number]>([
    ['is busy', () => new ProviderFailure('unavailable', 'no'), 2],
    ['refuses the secret', () => new ProviderFailure('unauthorized', 'no'), 2],
    ['stumbles', () => new RangeError('no'), 2],
    ['tells nothing of this person', () => new ProviderFailure('recipient-gone', 'no'), 1],
  ])('is asked again a minute later, or a day, where the channel %s', async (what, error, times) => {
    tells = () => Promise.reject(error());
    for (const minutes of [0, 0.5, 1.1]) {
      day = Math.floor(day) + minutes / 1_440;
      await write('official', what);
    }
    expect(asked).toHaveLength(times);
    day = Math.floor(day) + 2;
    await write('official', what);
    expect(asked).toHaveLength(times + 1);
  });

  it('names who has no name, and nobody else', async () => {
    tells = async () => ({ handles: [], name: ' 张\u0000三 ' });
    const contact = await write('official', 'nameless');
    const name = async () => (await database.query('select name from contact where id = $1', [contact]))[0];
    expect(await name()).toEqual({ name: '张\uFFFD三' });
    const changes = `select data->'changes' as changes from event where type = 'contact.updated' and contact_id = $1`;
    expect(await database.query(changes, [contact])).toEqual([{ changes: ['name'] }]);
    day += 2;
    tells = async () => ({ handles: [], name: '李四' });
    await write('official', 'nameless');
    expect(await name()).toEqual({ name: '张\uFFFD三' });
    expect(await database.query(changes, [contact])).toHaveLength(1);
  });

  it('fails without a sign to the customer', async () => {
    tells = () => Promise.reject(new ProviderFailure('unavailable', 'no'));
    const contact = await write('official', 'sun');
    expect(await handlesOf(contact)).toHaveLength(1);
    profiles.stored(account('official', false), [], []);
    await profiles.stop();
    await write('official', 'zhou');
    expect(asked).toEqual(['sun@official']);
  });
});
