import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Intake } from '../intake/intake.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { Replies } from './replies.js';

const channels = new FakeChannels({
  shop: { initiate: ['openid/app-1'] },
  club: { initiate: ['openid/app-2'] },
  any: { initiate: ['openid'] },
});

describeOnEveryDatabase('a conversation that we begin', (open) => {
  let database: Database;
  let replies: Replies;
  let contactId: string;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['shop', 'club', 'any', 'mail']) await addAccount(database, { id });
    replies = new Replies(database, channels);
    const handles = [
      { scheme: 'openid', scope: 'app-2', value: 'o2', proof: 'channel' as const },
      { scheme: 'openid', scope: 'app-1', value: 'o1', proof: 'channel' as const },
    ];
    const [stored] = await new Intake(database).accept('mail', [message('m', 'hi', { sender: { handles } })]);
    contactId = stored!.contactId!;
  });
  afterAll(() => database.close());

  const write = (accountId: string, to: object) =>
    database.transaction((sql) => replies.writeFirst(sql, { accountId, to, text: 'hi' } as never));
  const reached = async (accountId: string) => {
    const { threadId } = await write(accountId, { contactId });
    const [thread] = await database.query('select external_id from thread where id = $1', [threadId]);
    return thread!['external_id'];
  };

  it('goes to the handle of the very issuer that the account names', async () => {
    expect([await reached('shop'), await reached('club')]).toEqual(['o1', 'o2']);
    expect(['o1', 'o2']).toContain(await reached('any'));
  });

  it('goes to no handle of another issuer', async () => {
    const handle = (scope: string) => ({ handle: { scheme: 'openid', scope, value: 'new' } });
    expect((await write('shop', handle('app-1'))).status).toBe('queued');
    await expect(write('shop', handle('app-2'))).rejects.toMatchObject({ code: 'content-refused' });
    await expect(write('shop', handle(''))).rejects.toMatchObject({ code: 'content-refused' });
  });
});
