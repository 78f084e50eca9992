import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  beginIdempotent,
  claimIdempotent,
  fingerprint,
  IDEMPOTENCY,
  recordAnswer,
  releaseClaim,
  renewClaim,
} from '#conversations';
import type { Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

describeOnEveryDatabase('the API: Idempotency-Key', (open) => {
  let api: Stage;
  let path: string;
  let count = 0;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
    const { conversationId } = await api.arrive('sms');
    path = `/v1/conversations/${conversationId}/messages`;
  });
  afterAll(() => api.close());

  const once = (key: string, body: unknown, { url = path, as }: { url?: string; as?: string } = {}) =>
    api.post(url, body, { headers: { 'idempotency-key': key }, ...(as && { key: as }) });
  const fresh = () => `key-${(count += 1)}`;
  const sent = async (text: string) =>
    (await api.database.query('select 1 from message where text = $1', [text])).length;

  it('gives the same answer to the same request, however its JSON is written, and does it once', async () => {
    const key = fresh();
    const first = await once(key, { text: 'same', author: { name: 'Lin' } });
    const second = await once(key, '{ "author": {"name":"Lin"},\n "text":"same" }');
    expect(first.status).toBe(202);
    expect([second.status, second.body]).toEqual([first.status, first.body]);
    expect(await sent('same')).toBe(1);
  });

  it('refuses another request with the same key', async () => {
    const key = fresh();
    await once(key, { text: 'one' });
    const other = await once(key, { text: 'two' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
    expect(await sent('two')).toBe(0);
  });

  it('scopes the key to caller and path', async () => {
    const key = fresh();
    const other = await api.arrive('sms', 'x', '+8613900000021');
    const mate = await api.key(['conversations:read', 'conversations:write']);
    await once(key, { text: 'scoped' });
    await once(key, { text: 'scoped' }, { url: `/v1/conversations/${other.conversationId}/messages` });
    await once(key, { text: 'scoped' }, { as: mate });
    expect(await sent('scoped')).toBe(3);
  });

  it('does it once for twenty at the same time', async () => {
    const key = fresh();
    const answers = await Promise.all(Array.from({ length: 20 }, () => once(key, { text: 'twenty' })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await sent('twenty')).toBe(1);
  });

  it('records nothing of a refused request: it can be repeated', async () => {
    const key = fresh();
    await api.patch('/v1/accounts/sms', { enabled: false });
    expect((await once(key, { text: 'later' })).status).toBe(409);
    await api.patch('/v1/accounts/sms', { enabled: true });
    expect((await once(key, { text: 'later' })).status).toBe(202);
  });

  it('keeps no record of an effect that was never committed (crash), so the repetition does it', async () => {
    const key = fresh();
    const crash = new Error('killed before the commit');
    const { transaction } = api.database;
    api.database.transaction = <T>(work: (sql: Sql) => Promise<T>) =>
      transaction.call(api.database, async (sql) => {
        await work(sql);
        throw crash;
      }) as Promise<T>;
    const failed = await once(key, { text: 'crashed' }).finally(() => (api.database.transaction = transaction));
    expect([failed.status, failed.body.code, JSON.stringify(failed.body).includes('killed')]).toEqual([
      500,
      'internal',
      false,
    ]);
    expect(await sent('crashed')).toBe(0);
    expect((await once(key, { text: 'crashed' })).status).toBe(202);
    expect(await sent('crashed')).toBe(1);
  });

  it('forgets a key after the days that it is kept', async () => {
    const key = fresh();
    await once(key, { text: 'kept' });
    await api.database.query(
      `update idempotency set created_at = now() - make_interval(days => $2) where key = encode(sha256($1::bytea), 'hex')`,
      [key, IDEMPOTENCY.keptDays],
    );
    expect((await once(key, { text: 'kept anew' })).status).toBe(202);
  });

  it('shows a secret again to whoever repeats the request, and stores it sealed', async () => {
    const key = fresh();
    const body = { name: 'twice', scopes: ['events:read'] };
    const first = await once(key, body, { url: '/v1/keys' });
    const second = await once(key, body, { url: '/v1/keys' });
    expect(second.body).toEqual(first.body);
    const stored = await api.database.query(
      `select body::text as body from idempotency where key = encode(sha256($1::bytea), 'hex')`,
      [key],
    );
    expect(JSON.stringify(stored)).not.toContain(first.body.secret);
    const dump = await api.database.query(`select * from api_key`);
    expect(JSON.stringify(dump)).not.toContain(first.body.secret);
  });

  it('takes an upload once, and knows another file', async () => {
    const key = fresh();
    const upload = (content: string, name = 'a.txt') => {
      const form = new FormData();
      form.append('file', new Blob([content]), name);
      return once(key, form, { url: '/v1/files' });
    };
    const first = await upload('hello');
    const second = await upload('hello');
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id]);
    expect((await upload('other')).body.code).toBe('idempotency-mismatch');
    expect(await api.database.query('select 1 from file')).toHaveLength(1);
  });

  it('records the answer of a test of credentials', async () => {
    const key = fresh();
    const first = await once(key, {}, { url: '/v1/accounts/sms/check' });
    await api.patch('/v1/accounts/sms', { config: { url: 'https://elsewhere.example/in' } });
    expect((await once(key, {}, { url: '/v1/accounts/sms/check' })).body).toEqual(first.body);
  });

  it('lets later statements of the transaction wait for locks no longer than ever', async () => {
    const [before] = await api.database.query('show lock_timeout');
    await api.database.transaction(async (sql) => {
      await beginIdempotent(sql, { scope: 'locks', key: fresh(), fingerprint: 'x' });
      expect(await sql.query('show lock_timeout')).toEqual([before]);
    });
  });

  it.each(['pause', 'resume'])('does a %s once: a repetition does not undo what came after it', async (action) => {
    const [key, other] = [fresh(), action === 'pause' ? 'resume' : 'pause'];
    const id = `desk-${action}`;
    await api.post('/v1/destinations', { id, type: 'webhook', config: { url: 'https://desk.example' } });
    await api.post(`/v1/destinations/${id}/${other}`, {});
    const first = await once(key, {}, { url: `/v1/destinations/${id}/${action}` });
    await api.post(`/v1/destinations/${id}/${other}`, {});
    expect(await once(key, {}, { url: `/v1/destinations/${id}/${action}` })).toMatchObject({ body: first.body });
    expect((await api.get(`/v1/destinations/${id}`)).body.state).toBe(other === 'pause' ? 'paused' : 'active');
  });

  describe('for work outside of a transaction', () => {
    let url: string;
    const typed = () => api.typing.typed.length;

    beforeAll(async () => {
      await api.account('typing', 'typing');
      const { conversationId } = await api.arrive('typing', 'x', '+8613900000022');
      url = `/v1/conversations/${conversationId}/typing`;
    });

    it('does it once, for requests at the same time and afterwards', async () => {
      const [key, before] = [fresh(), typed()];
      const answers = await Promise.all(Array.from({ length: 5 }, () => once(key, {}, { url })));
      answers.push(await once(key, {}, { url }));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
      expect(typed() - before).toBe(1);
    });

    it('does it again after it failed, and refuses another request meanwhile as ever', async () => {
      const [key, before] = [fresh(), typed()];
      api.typing.failure = new Error('not now');
      expect((await once(key, {}, { url })).status).toBe(500);
      api.typing.failure = undefined;
      expect((await once(key, {}, { url })).status).toBe(204);
      expect((await once(key, { on: false }, { url })).body.code).toBe('idempotency-mismatch');
      expect(typed() - before).toBe(1);
    });

    const told = { ...IDEMPOTENCY };
    const telling = (changed: Partial<Record<keyof typeof told, number>>) => Object.assign(IDEMPOTENCY, changed);
    afterEach(() => void telling(told));

    /** What a process leaves that dies between claim and answer, having renewed it last so many seconds ago. */
    const left = (key: string, secondsAgo: number) =>
      api.database.query(
        `insert into idempotency (scope, key, fingerprint, created_at) values ($1, encode(sha256($2::bytea), 'hex'), $3, now() - make_interval(secs => $4))`,
        [`admin POST ${url}`, key, fingerprint(['POST', url, {}, {}]), secondsAgo],
      );

    it('takes over what a crash left, in the repetition that waits for it, and no sooner', async () => {
      const [early, late, before] = [fresh(), fresh(), typed()];
      telling({ waitS: 0.2 });
      await left(early, 0);
      expect((await once(early, {}, { url })).body.code).toBe('in-flight');
      telling(told);
      await left(late, told.claimLostS - 1);
      expect((await once(late, {}, { url })).status).toBe(204);
      expect(typed() - before).toBe(1);
      expect(told.waitS).toBeGreaterThan(told.claimLostS);
    });

    const claims = (claim: string) => ({ scope: 'who what', key: `key-${count}`, fingerprint: 'f', claim });

    it('takes over no claim that is renewed as soon as the database is there again', async () => {
      fresh();
      telling({ watchS: 2 });
      await claimIdempotent(api.database, claims('a'));
      await api.database.query(`update idempotency set created_at = now() - interval '1 hour' where claim = 'a'`);
      const second = claimIdempotent(api.database, claims('b'));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await renewClaim(api.database, claims('a'));
      await recordAnswer(api.database, claims('a'), { status: 200, body: 'done' });
      expect(await second).toEqual({ status: 200, body: 'done' });
    });

    it('lets a request whose claim passed to another touch it no more', async () => {
      fresh();
      telling({ watchS: 0.2, claimLostS: 0.2 });
      await claimIdempotent(api.database, claims('a'));
      expect(await claimIdempotent(api.database, claims('b'))).toBeNull();
      await releaseClaim(api.database, claims('a'));
      await recordAnswer(api.database, claims('a'), { status: 200, body: 'late' });
      const rows = await api.database.query(
        `select claim, status from idempotency where scope = 'who what' and key = $1`,
        [claims('b').key],
      );
      expect(rows).toEqual([{ claim: 'b', status: null }]);
    });

    it('takes over nothing that is still worked at, however long that lasts', async () => {
      const [key, before] = [fresh(), typed()];
      telling({ renewS: 0.1, claimLostS: 2 });
      api.typing.hold = new Promise((resolve) => setTimeout(resolve, 3_000));
      const answers = await Promise.all([once(key, {}, { url }), once(key, {}, { url })]);
      api.typing.hold = undefined;
      expect(answers.map(({ status }) => status)).toEqual([204, 204]);
      expect(typed() - before).toBe(1);
    });
  });

  it('refuses a key that is none', async () => {
    for (const key of ['', 'with space', 'x'.repeat(256)]) {
      expect((await once(key, { text: 'a' })).body.code).toBe('invalid');
    }
  });

  describe('while the first request runs', () => {
    /** Another connection that has taken the key and not committed; only a server has one to give. */
    const holding = async (key: string, meanwhile: (release: () => void) => Promise<void>) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      let taken = (): void => undefined;
      const begun = new Promise<void>((resolve) => (taken = resolve));
      const transaction = api.database.transaction(async (sql) => {
        await sql.query(
          `insert into idempotency (scope, key, fingerprint) values ($1, encode(sha256($2::bytea), 'hex'), 'x')`,
          [`admin POST ${path}`, key],
        );
        taken();
        await held;
        throw new Error('rolled back');
      });
      transaction.catch(() => undefined);
      await begun;
      await meanwhile(release);
      release();
      await transaction.catch(() => undefined);
    };

    it('waits for it, and does the work where the first one failed', async () => {
      if (api.database.kind !== 'postgres') return;
      const key = fresh();
      await holding(key, async (release) => {
        const answer = once(key, { text: 'after the first' });
        setTimeout(release, 100);
        expect((await answer).status).toBe(202);
      });
    });

    it('gives up waiting with in-flight', async () => {
      if (api.database.kind !== 'postgres') return;
      const key = fresh();
      const waitS = IDEMPOTENCY.waitS;
      Object.assign(IDEMPOTENCY, { waitS: 0.2 });
      try {
        await holding(key, async () => {
          const answer = await once(key, { text: 'impatient' });
          expect([answer.status, answer.body.code]).toEqual([409, 'in-flight']);
        });
      } finally {
        Object.assign(IDEMPOTENCY, { waitS });
      }
      expect(await sent('impatient')).toBe(0);
    });
  });
});
