import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import { InvalidInput, secret } from '#normalizer';
import { Conflict, NotFound } from '../ports.js';
import { Store1700000000002 } from '../migrations/0001-store.js';
import { AccountStore } from './accounts.js';
import { DestinationStore } from './destinations.js';
import { Vault, WrongSecretKey } from './vault.js';

const sms = z.object({
  from: z.string(),
  token: secret(),
  keys: z.array(z.object({ id: z.string(), key: secret() })).optional(),
});
const hook = z.object({ url: z.url(), secret: secret().optional(), auth: secret().optional() });
const key = randomBytes(32).toString('hex');

describeOnEveryDatabase('stored accounts and destinations', (open) => {
  let database: Database;
  let accounts: AccountStore;
  let destinations: DestinationStore;
  const stores = (vault: Vault) => ({
    accounts: new AccountStore({
      database,
      vault,
      kind: (type) => (type === 'sms' ? { config: sms, continuity: 'contact', hosted: false } : undefined),
    }),
    destinations: new DestinationStore({ database, vault, schema: (type) => (type === 'hook' ? hook : undefined) }),
  });
  const raw = async (table: string): Promise<string> => JSON.stringify(await database.query(`select * from ${table}`));

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  });
  beforeEach(async () => {
    await database.query('truncate account, destination, reference, shared_value, outbox');
    ({ accounts, destinations } = stores(new Vault(key)));
  });

  describe('an account', () => {
    const config = { from: '+15550001111', token: 'canary-token', keys: [{ id: 'a', key: 'canary-key' }] };

    it('comes back as it was given, and no secret of it is stored in the clear', async () => {
      const made = await accounts.create(database, { id: 'one', type: 'sms', config });
      expect(made).toMatchObject({
        id: 'one',
        config,
        continuity: 'contact',
        reopenWithinS: 259_200,
        enabled: true,
        managedBy: 'api',
        state: 'connecting',
      });
      expect(await accounts.get(database, 'one')).toEqual(made);
      expect(await accounts.list()).toEqual([made]);
      expect(await raw('account')).not.toContain('canary');
      expect(accounts.masked(made)).toEqual({ from: '+15550001111', token: '***', keys: [{ id: 'a', key: '***' }] });
    });

    it('cannot be read with its secret taken from another row', async () => {
      await accounts.create(database, { id: 'one', type: 'sms', config });
      await accounts.create(database, { id: 'two', type: 'sms', config: { from: 'x', token: 'other' } });
      await database.query(
        `update account set config = (select config from account where id = 'one') where id = 'two'`,
      );
      expect(await accounts.get(database, 'two')).toMatchObject({
        config: {},
        problem: expect.stringMatching(/another place/),
      });
      expect((await accounts.get(database, 'one')).problem).toBeUndefined();
    });

    it('is changed member by member; a masked secret is kept', async () => {
      await accounts.create(database, { id: 'one', type: 'sms', name: 'One', config });
      const changed = await accounts.update(database, 'one', {
        enabled: false,
        config: { token: '***', from: 'new', keys: null },
      });
      expect(changed).toMatchObject({ name: 'One', enabled: false, config: { from: 'new', token: 'canary-token' } });
      expect(changed.config).not.toHaveProperty('keys');
    });

    it('refuses wrong settings, unknown types and taken ids', async () => {
      const wrong = accounts.create(database, { type: 'sms', config: { from: 1, token: 'x' } });
      await expect(wrong).rejects.toMatchObject({ name: 'InvalidInput', errors: [{ path: 'config.from' }] });
      await expect(accounts.create(database, { type: 'pigeon' })).rejects.toBeInstanceOf(InvalidInput);
      await accounts.create(database, { id: 'one', type: 'sms', config });
      await expect(accounts.create(database, { id: 'one', type: 'sms', config })).rejects.toMatchObject({
        code: 'taken',
      });
      await expect(accounts.get(database, 'none')).rejects.toBeInstanceOf(NotFound);
    });

    it('refuses keys that the channel does not know, and says which was meant; a key from before can be taken out', async () => {
      const unknown = { ...config, tokne: 'canary', keys: [{ id: 'a', key: 'k', colour: 'red' }] };
      await expect(accounts.create(database, { type: 'sms', config: unknown })).rejects.toMatchObject({
        errors: [
          { path: 'config.keys.0.colour', message: 'is not a known key' },
          { path: 'config.tokne', message: 'is not a known key; did you mean "token"?' },
        ],
      });
      await accounts.create(database, { id: 'one', type: 'sms', config });
      await database.query(`update account set config = config || '{"old": 1}'`);
      expect((await accounts.update(database, 'one', { config: { old: null } })).config).toEqual(config);
    });

    it('is gone once removed, and its id can be used again', async () => {
      await accounts.create(database, { id: 'one', type: 'sms', config });
      await database.query(`update account set state_link = 'a login code' where id = 'one'`);
      await accounts.remove(database, 'one');
      expect(await database.query(`select state_link from account where id = 'one'`)).toEqual([{ state_link: null }]);
      await expect(accounts.get(database, 'one')).rejects.toBeInstanceOf(NotFound);
      await expect(accounts.remove(database, 'one')).rejects.toBeInstanceOf(NotFound);
      expect(
        await accounts.create(database, { id: 'one', type: 'sms', config: { from: 'z', token: 't' } }),
      ).toMatchObject({ config: { from: 'z' } });
    });

    it('of the settings file follows the file and cannot be changed otherwise', async () => {
      await accounts.create(database, { id: 'api', type: 'sms', config });
      await accounts.importFromFile([
        { id: 'f1', type: 'sms', config },
        { id: 'f2', type: 'sms', config },
      ]);
      await accounts.importFromFile([{ id: 'f2', type: 'sms', name: 'Two', config }]);
      expect((await accounts.list()).map(({ id, name, managedBy }) => [id, name, managedBy])).toEqual([
        ['api', null, 'api'],
        ['f2', 'Two', 'file'],
      ]);
      await expect(accounts.update(database, 'f2', { name: 'x' })).rejects.toMatchObject({ code: 'read-only' });
      await expect(accounts.remove(database, 'f2')).rejects.toBeInstanceOf(Conflict);
    });

    it('of the settings file stands as it is while the file says the same, whichever process reads it', async () => {
      const entry = { id: 'f1', type: 'sms', name: 'One', config };
      const changed = async (next: object = {}) => {
        await database.query(`update account set updated_at = updated_at - interval '1 h'`);
        const shifted = (await accounts.get(database, 'f1')).updatedAt;
        await accounts.importFromFile([{ ...entry, ...next }]);
        return (await accounts.get(database, 'f1')).updatedAt !== shifted;
      };
      await accounts.importFromFile([entry]);
      expect(await changed()).toBe(false);
      for (const next of [{ name: 'Two' }, { enabled: false }, { config: { ...config, token: 'another' } }])
        expect(await changed(next)).toBe(true);
      await database.query(`update account set removed_at = now()`);
      await accounts.importFromFile([entry]);
      expect(await accounts.get(database, 'f1')).toMatchObject({ name: 'One', config });
      await expect(accounts.importFromFile([{ ...entry, config: { unknown: 1 } }])).rejects.toThrow();
    });

    it('tells the running processes of every change', async () => {
      let hints = 0;
      const stop = database.onHint('directory', () => (hints += 1));
      await accounts.create(database, { id: 'one', type: 'sms', config });
      await new Promise((resolve) => setTimeout(resolve, 20));
      stop();
      expect(hints).toBeGreaterThan(0);
    });
  });

  describe('a destination', () => {
    const config = { url: 'https://desk.example/hook', auth: 'canary-auth' };

    it('is given a signing secret where none was chosen', async () => {
      const made = await destinations.create(database, { id: 'desk', type: 'hook', config });
      expect(made.config['secret']).toMatch(/^whsec_[\w+/]{43}=$/);
      expect(made).toMatchObject({ signingSecrets: [made.config['secret']], state: 'active', filter: {} });
      expect(await raw('destination')).not.toMatch(/canary|whsec_/);
      expect(destinations.masked(made)).toEqual({ url: config.url, auth: '***', secret: '***' });
    });

    it('signs with both secrets for a day after a rotation', async () => {
      await destinations.create(database, { id: 'desk', type: 'hook', config: { ...config, secret: 'old-secret' } });
      const { secret: fresh, signingSecrets } = await destinations.rotateSecret(database, 'desk');
      expect(signingSecrets).toEqual([fresh, 'old-secret']);
      const patched = await destinations.update(database, 'desk', { name: 'Desk', config: { secret: '***' } });
      expect(patched.signingSecrets).toEqual([fresh, 'old-secret']);
      await database.query(
        `update destination set secrets = jsonb_set(secrets, '{1,expiresAt}', '"2020-01-01T00:00:00Z"')`,
      );
      expect((await destinations.get(database, 'desk')).signingSecrets).toEqual([fresh]);
      const again = await destinations.rotateSecret(database, 'desk');
      expect(again.signingSecrets).toEqual([again.secret, fresh]);
    });

    it('keeps its filter until it is changed', async () => {
      const filter = { events: ['message.*'], accounts: ['web'] };
      await destinations.create(database, { id: 'desk', type: 'hook', config, filter });
      expect((await destinations.update(database, 'desk', { name: 'x' })).filter).toEqual(filter);
      expect((await destinations.update(database, 'desk', { filter: {} })).filter).toEqual({});
    });

    it('stays paused when the process starts again', async () => {
      await destinations.importFromFile([{ id: 'desk', type: 'hook', config }]);
      await database.query(`update destination set state = 'paused', paused_reason = 'because'`);
      await destinations.importFromFile([{ id: 'desk', type: 'hook', config }]);
      expect(await destinations.get(database, 'desk')).toMatchObject({
        state: 'paused',
        pausedReason: 'because',
        managedBy: 'file',
      });
      await expect(destinations.rotateSecret(database, 'desk')).rejects.toMatchObject({ code: 'read-only' });
    });

    it('begins anew when it is made again after it was removed, through the API and in the file', async () => {
      const entry = { id: 'desk', type: 'hook', config };
      const spoil = () =>
        database.query(
          `with paused as (update destination set state = 'paused', paused_reason = 'because')
           insert into reference (conversation_id, destination_id, ticket_id) values ('cnv_1', 'desk', '4711'), ('cnv_1', 'other', '9')`,
        );
      const left = () => database.query('select destination_id from reference');
      await destinations.create(database, entry);
      await spoil();
      await destinations.remove(database, 'desk');
      expect(await destinations.create(database, entry)).toMatchObject({ state: 'active', pausedReason: null });
      expect(await left()).toEqual([{ destination_id: 'other' }]);
      await destinations.remove(database, 'desk');
      await destinations.importFromFile([entry]);
      await database.query('truncate reference');
      await spoil();
      await destinations.importFromFile([]);
      await destinations.importFromFile([entry]);
      expect(await destinations.get(database, 'desk')).toMatchObject({ state: 'active', pausedReason: null });
      expect(await left()).toEqual([{ destination_id: 'other' }]);
    });

    it('of the file stands as it is while the file says the same', async () => {
      const entry = { id: 'desk', type: 'hook', config, filter: { events: ['message.*'] } };
      const changed = async (next: object) => {
        await database.query(`update destination set updated_at = updated_at - interval '1 h'`);
        const { updatedAt } = await destinations.get(database, 'desk');
        await destinations.importFromFile([{ ...entry, ...next }]);
        return (await destinations.get(database, 'desk')).updatedAt !== updatedAt;
      };
      await destinations.importFromFile([entry]);
      expect(await changed({})).toBe(false);
      for (const next of [{ name: 'x' }, { filter: {} }, { config: { ...config, secret: 'from-file' } }])
        expect(await changed(next)).toBe(true);
      expect(await changed({ config: { ...config, secret: 'from-file' }, filter: entry.filter })).toBe(false);
    });

    it('of the file rotates when its secret there changes, and keeps a secret that was made for it', async () => {
      await destinations.importFromFile([{ id: 'desk', type: 'hook', config }]);
      const made = (await destinations.get(database, 'desk')).signingSecrets;
      await destinations.importFromFile([{ id: 'desk', type: 'hook', config }]);
      expect((await destinations.get(database, 'desk')).signingSecrets).toEqual(made);
      await destinations.importFromFile([{ id: 'desk', type: 'hook', config: { ...config, secret: 'from-file' } }]);
      expect((await destinations.get(database, 'desk')).signingSecrets).toEqual(['from-file', ...made]);
    });

    it('leaves what waits for it behind when it is removed, which is no matter of another made under its name', async () => {
      await destinations.create(database, { id: 'desk', type: 'hook', config });
      await database.query(
        `insert into outbox (partition, lane, kind, target_id, item_id)
         values (1, 'desk:c', 'event', 'desk', 'evt_1'), (1, 'two:c', 'event', 'two', 'evt_1'), (1, 'desk:t', 'unit', 'desk', 'unt_1')`,
      );
      await destinations.remove(database, 'desk');
      await expect(destinations.get(database, 'desk')).rejects.toBeInstanceOf(NotFound);
      expect(await database.query('select 1 from outbox')).toHaveLength(3);
      await destinations.create(database, { id: 'desk', type: 'hook', config });
      expect(await database.query('select lane from outbox order by 1')).toEqual([
        { lane: 'desk:t' },
        { lane: 'two:c' },
      ]);
    });

    it('rotates its secret once for each that asks at the same time: every secret that was told signs', async () => {
      await destinations.create(database, { id: 'desk', type: 'hook', config });
      const told = await Promise.all(
        [1, 2, 3].map(() => database.transaction((sql) => destinations.rotateSecret(sql, 'desk'))),
      );
      const { signingSecrets } = await destinations.get(database, 'desk');
      expect(signingSecrets).toEqual(expect.arrayContaining(told.map(({ secret }) => secret)));
    });
  });

  describe('the secret key', () => {
    it('is refused when it is not the one of this database', async () => {
      await new Vault(key).check(database);
      await new Vault(key).check(database);
      await expect(new Vault('another passphrase').check(database)).rejects.toBeInstanceOf(WrongSecretKey);
    });

    it('can be changed: everything is sealed anew, and the old key is needed no longer', async () => {
      await new Vault(key).check(database);
      await accounts.create(database, { id: 'one', type: 'sms', config: { from: 'f', token: 'token' } });
      await destinations.create(database, {
        id: 'desk',
        type: 'hook',
        config: { url: 'https://x.example', secret: 's1', auth: 'a' },
      });
      const next = new Vault('the new passphrase', key);
      await next.check(database);
      const changing = stores(next);
      await changing.accounts.renewSecrets();
      await changing.destinations.renewSecrets();
      const only = new Vault('the new passphrase');
      await only.check(database);
      expect((await stores(only).accounts.get(database, 'one')).config).toEqual({ from: 'f', token: 'token' });
      expect(await stores(only).destinations.get(database, 'desk')).toMatchObject({
        signingSecrets: ['s1'],
        config: { auth: 'a' },
      });
    });
  });
});
