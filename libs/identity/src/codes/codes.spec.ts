import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '../migrations/0001-identity.js';
import { Codes, CODE_LIMITS, type Asked, type CodeRequest } from './codes.js';

const VICTIM = { scheme: 'email', value: 'victim@example.com' };
const FULL_WIDTH = (code: string) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));

describeOnEveryDatabase('one-time codes', (open) => {
  let db: Database;
  const codes = new Codes('a secret');
  beforeAll(async () => void (db = await open({ entities: [], migrations: [Identity1700000000001] })));
  afterAll(() => db.close());
  beforeEach(() => db.query('truncate code'));

  const ask = (more: Partial<CodeRequest> = {}, by = codes): Promise<Asked> =>
    db.transaction((sql) =>
      by.ask(sql, {
        purpose: 'chat',
        subject: 'web/vis_1',
        handle: VICTIM,
        accountId: 'mail',
        sender: '192.0.2.1',
        ...more,
      }),
    );
  const asked = async (more: Partial<CodeRequest> = {}, by = codes) => {
    const result = await ask(more, by);
    if (result.outcome === 'refused') throw new Error('refused');
    return result;
  };
  const guess = (typed: string, { subject = 'web/vis_1', handle = VICTIM } = {}, sql: Sql = db) =>
    codes.guess(sql, { purpose: 'chat', subject, handle }, typed);
  const wrong = (code: string) => (code === '000000' ? '000001' : '000000');

  it('are six digits, right once, and nothing of them is stored', async () => {
    const { code, id, wanted } = await asked();
    expect([code, wanted]).toEqual([expect.stringMatching(/^\d{6}$/), true]);
    expect(JSON.stringify(await db.query('select * from code'))).not.toContain(code);
    expect(JSON.stringify(await db.query('select * from code'))).not.toContain('192.0.2.1');
    expect(await guess(code)).toBe(id);
    expect(await codes.use(db, id)).toEqual({ ...VICTIM, subject: 'web/vis_1', accountId: 'mail' });
    expect([await guess(code), await codes.use(db, id)]).toEqual([null, null]);
  });

  it('are dead after five guesses, also when all of them are made at once', async () => {
    const { code } = await asked();
    for (let i = 0; i < 5; i += 1) expect(await guess(wrong(code))).toBeNull();
    expect(await guess(code)).toBeNull();
    const second = await asked();
    await Promise.all(Array.from({ length: 40 }, () => guess(wrong(second.code))));
    expect(await guess(second.code)).toBeNull();
    const counted = await db.query<{ attempts: number }>('select attempts from code order by created_at');
    expect(counted).toEqual([{ attempts: 5 }, { attempts: 5 }]);
  });

  it('are right for one of those who know it at the same moment', async () => {
    const { code } = await asked();
    const ids = await Promise.all([guess(code), guess(code), guess(code)]);
    const used = await Promise.all(ids.map((id) => codes.use(db, id!)));
    expect(used.filter((one) => one !== null)).toHaveLength(1);
  });

  it('serve who asked for them, for that handle and purpose', async () => {
    const { code, id } = await asked();
    expect(await guess(code, { subject: 'web/vis_2' })).toBeNull();
    expect(await guess(code, { subject: 'web2/vis_1' })).toBeNull();
    expect(await guess(code, { handle: { scheme: 'email', value: 'other@example.com' } })).toBeNull();
    expect(await codes.guess(db, { purpose: 'api', id }, code)).toBeNull();
    expect(await guess(code)).toBe(id);
  });

  it('are right in any width and with what people put between digits, and in no other script', async () => {
    const { code, id } = await asked();
    expect(await guess(` ${code.slice(0, 3)} ${code.slice(3)}\u200b`)).toBe(id);
    expect(await guess(FULL_WIDTH(code))).toBe(id);
    expect(await guess(code.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit))))).toBeNull();
    expect(await guess(`${code}0`)).toBeNull();
    expect(await guess('')).toBeNull();
  });

  it('expire', async () => {
    const { code } = await asked();
    await db.query(`update code set expires_at = now() - interval '1 second'`);
    expect(await guess(code)).toBeNull();
  });

  it('that are asked for anew leave the older one right only until one of them is used', async () => {
    const first = await asked();
    const second = await asked();
    expect(await guess(second.code)).toBe(second.id);
    await codes.use(db, second.id);
    expect([await guess(first.code), await guess(second.code)]).toEqual([null, null]);
  });

  it('are known by the keys before the present one', async () => {
    const { code, id } = await asked();
    const rotated = new Codes(['new secret', 'a secret']);
    expect(await rotated.guess(db, { purpose: 'chat', subject: 'web/vis_1', handle: VICTIM }, code)).toBe(id);
  });

  it('are refused to one asker, and to one address, that asks too often', async () => {
    for (let i = 0; i < CODE_LIMITS.subject; i += 1) await asked();
    expect(await ask()).toMatchObject({ outcome: 'refused' });
    for (let i = CODE_LIMITS.subject; i < CODE_LIMITS.sender; i += 1) await asked({ subject: `web/vis_${i + 10}` });
    expect((await ask({ subject: 'web/vis_99' })).outcome).toBe('refused');
    expect((await ask({ subject: 'web/vis_99', sender: '192.0.2.2' })).outcome).toBe('asked');
  });

  it('are refused to everybody once there were too many in an hour', async () => {
    const few = new Codes('a secret', { ...CODE_LIMITS, everybody: 2 });
    const handle = (n: number) => ({ scheme: 'email', value: `p${n}@example.com` });
    await asked({ subject: 'a', handle: handle(1) }, few);
    await asked({ subject: 'b', handle: handle(2) }, few);
    expect((await ask({ subject: 'c', handle: handle(3) }, few)).outcome).toBe('refused');
  });

  it('go to one handle a few times a day, whoever asks; who asks sees no difference, and can guess nothing', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, n) => asked({ subject: `web/vis_${n}`, sender: `192.0.2.${n}` })),
    );
    expect(all.filter(({ wanted }) => wanted)).toHaveLength(CODE_LIMITS.handle);
    const quiet = all.findIndex(({ wanted }) => !wanted);
    expect(await guess(all[quiet]!.code, { subject: `web/vis_${quiet}` })).toBeNull();
    expect(Object.keys(all[quiet]!)).toEqual(Object.keys(all.find(({ wanted }) => wanted)!));
  });

  it('cost the same statements whether the handle is known, used up, or never asked for', async () => {
    const statements: string[] = [];
    const counting: Sql = {
      query: (statement, values) => {
        statements.push(typeof statement === 'string' ? statement : statement.name);
        return db.query(statement, values);
      },
    };
    const of = async (work: () => Promise<unknown>) => {
      await work();
      return statements.splice(0);
    };
    for (let n = 0; n < CODE_LIMITS.handle; n += 1) await asked({ subject: `web/vis_${n}`, sender: `192.0.2.${n}` });
    const request = { purpose: 'chat', subject: 'web/vis_x', accountId: 'mail', sender: '198.51.100.1' } as const;
    const usedUp = await of(() => codes.ask(counting, { ...request, handle: VICTIM }));
    const unknown = await of(() =>
      codes.ask(counting, { ...request, handle: { scheme: 'email', value: 'x@example.com' } }),
    );
    expect(usedUp).toEqual(unknown);
    const guesses = [
      await of(() => guess('123456', { subject: 'web/vis_0' }, counting)),
      await of(() => guess('123456', { subject: 'web/vis_x' }, counting)),
      await of(() => guess('no digits', { subject: 'nobody' }, counting)),
    ];
    expect(new Set(guesses.map((names) => names.join()))).toEqual(new Set(['guess_code']));
  });

  it('are forgotten after a day', async () => {
    await asked();
    await db.query(`update code set created_at = now() - interval '25 hours'`);
    await asked({ subject: 'web/vis_2' });
    expect(await db.query('select subject from code')).toEqual([{ subject: 'web/vis_2' }]);
  });
});
