import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Leases } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { runImport, sweepImports } from '#identity';
import { pino } from 'pino';
import { ImportWorker } from '../imports/import-worker.js';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

interface Told {
  type: string;
  contact_id: string;
  data: { changes?: string[]; conflict?: { contactIds: string[]; handle: object } };
}
const csv = { headers: { 'content-type': 'text/csv; charset=utf-8' } };

describeOnEveryDatabase('the API: imports', (open) => {
  let api: Stage;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open({ defaultCountry: 'CN' });
  });
  afterAll(() => api.close());
  beforeEach(async () => {
    for (const table of [
      'event',
      'contact',
      'handle',
      'company',
      'contact_conflict',
      'import',
      'import_row',
      'setting',
    ])
      await api.database.query(`delete from ${table}`);
  });

  const told = () => api.database.query<Told>('select type, contact_id, data from event order by position');
  const events = async () => (await told()).map(({ type, data }) => [type, data.changes]);
  const send = (kind: string, file: string | Buffer | FormData, query = '') =>
    api.call('POST', `/v1/imports?kind=${kind}${query}`, { body: file, ...(file instanceof FormData ? {} : csv) });
  const counts = ({ created, updated, unchanged, rejected, total, processed }: Record<string, number>) => ({
    created,
    updated,
    unchanged,
    rejected,
    total,
    processed,
  });
  /** Imports a file to its end; what came of it. */
  async function imported(kind: string, file: string | Buffer | FormData, query?: string) {
    const made = await send(kind, file, query);
    expect([made.status, made.body]).toEqual([202, expect.objectContaining({ kind, state: 'running', processed: 0 })]);
    const { id } = made.body as { id: string };
    expect(await runImport(api.database, id, { goesOn: () => true })).toBe(true);
    const { body } = await api.get(`/v1/imports/${id}`);
    expect(body).toMatchObject({ id, state: 'done', processed: made.body.total });
    return body;
  }
  const people = async (query = '') => (await api.get(`/v1/contacts?limit=200${query}`)).body.items;
  const prove = (handle: object) => ({ handles: [handle] });

  it('bring companies, then contacts with every column, and tell the stream of each once', async () => {
    const companies = await imported(
      'companies',
      'externalId,name,level,products,contract.name,metadata.region\nK1,Acme,VIP,CRM;Mail,Gold,east\nK2,Beta,,,,\n',
    );
    expect(counts(companies)).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: 0, total: 2, processed: 2 });
    expect((await api.get('/v1/companies?externalId=K1')).body.items).toEqual([
      expect.objectContaining({
        name: 'Acme',
        level: 'vip',
        products: ['CRM', 'Mail'],
        contracts: [{ name: 'Gold' }],
        metadata: { region: 'east' },
      }),
    ]);
    expect(await events()).toEqual([]);
    const file =
      'externalId,name,phone,email,company,companyExternalId,blocked,crmUrl,metadata.birthday\n' +
      'P1,王芳,138 0013 8000;010-82345678,Wang@x.example,,K1,no,https://crm.example/P1,05-01\n' +
      ',Bob,,bob@x.example,beta,,yes,,\n';
    const { id, ...report } = await imported('contacts', file);
    expect(counts(report)).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: 0, total: 2, processed: 2 });
    const [wang, bob] = await people();
    expect(wang).toMatchObject({
      name: '王芳',
      company: { name: 'Acme', level: 'vip', products: ['CRM', 'Mail'] },
      crm: { id: 'P1', url: 'https://crm.example/P1' },
      metadata: { birthday: '05-01' },
      blocked: false,
    });
    const handles = wang.handles.map(({ scheme, value, proof }: Record<string, string>) => [scheme, value, proof]);
    expect(handles.sort()).toEqual([
      ['crm', 'P1', 'verified'],
      ['email', 'wang@x.example', 'verified'],
      ['phone', '+861082345678', 'verified'],
      ['phone', '+8613800138000', 'verified'],
    ]);
    expect(bob).toMatchObject({ name: 'Bob', blocked: true, crm: null, company: { name: 'Beta' } });
    expect(await events()).toEqual([
      ['contact.created', undefined],
      ['contact.created', undefined],
    ]);
    expect(await api.database.query('select distinct source from handle')).toEqual([{ source: `import:${id}` }]);
    expect(await api.database.query('select * from import_row')).toEqual([]);
  });

  it('change nothing where nothing changed, and only that where something did', async () => {
    const file = (name: string, email: string) =>
      `externalId,name,phone,email\nP1,A,13800138000,a@x.example\nP2,${name},13800138001,${email}\n,C,,c@x.example\n`;
    await imported('contacts', file('B', 'b@x.example'));
    const before = await people();
    await api.database.query('delete from event');
    expect(counts(await imported('contacts', file('B', 'b@x.example')))).toMatchObject({
      unchanged: 3,
      created: 0,
      updated: 0,
      rejected: 0,
    });
    expect(await events()).toEqual([]);
    expect(await people()).toEqual(before);
    expect(counts(await imported('contacts', file('Bea', 'b2@x.example')))).toMatchObject({ unchanged: 2, updated: 1 });
    expect(await events()).toEqual([['contact.updated', ['name', 'handles']]]);
    expect(counts(await imported('contacts', 'externalId,name\nP2,\n'))).toMatchObject({ unchanged: 1 });

    await imported('companies', 'externalId,name,level\nK1,Acme,vip\n');
    await imported('contacts', 'externalId,companyExternalId\nP1,K1\nP2,K1\n');
    await api.database.query('delete from event');
    expect(counts(await imported('companies', 'externalId,name,level\nK1,Acme,vip\n'))).toMatchObject({ unchanged: 1 });
    expect(await events()).toEqual([]);
    expect(counts(await imported('companies', 'externalId,metadata.a,contract.name\nK1,1,Gold\n'))).toMatchObject({
      updated: 1,
    });
    expect(await events()).toEqual([]);
    expect(counts(await imported('companies', 'externalId,level\nK1,normal\n'))).toMatchObject({ updated: 1 });
    expect(await events()).toEqual([
      ['contact.updated', ['company']],
      ['contact.updated', ['company']],
    ]);
  });

  it('reject what is wrong, row by row, with all the rest stored', async () => {
    const bad = [
      ['P1,Good,13800138000,,', null],
      ['P2,No such phone,12,,', 'phone'],
      ['P3,No such company,,Nobody,', 'company'],
      [`P4,${'x'.repeat(1_000_000)},,,`, 'name'],
      ['P5,"a\0b",,,', 'name'],
      [',nobody,,,', 'externalId'],
      ['P6,too many cells,,,,,,7', null],
      ['P7,"=cmd|\' /C calc\'!A0",13800138007,,', null],
    ] as const;
    const report = await imported(
      'contacts',
      `externalId,name,phone,company,email\n${bad.map(([line]) => line).join('\n')}\n`,
    );
    expect(counts(report)).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: 6, total: 8, processed: 8 });
    const rows = [3, 4, 5, 6, 7, 8];
    expect(
      report.errors.map(({ row, errors }: { row: number; errors: { column: string }[] }) => [row, errors[0]!.column]),
    ).toEqual(rows.map((row) => [row, bad[row - 2]![1]]));
    const page = await api.get(`/v1/imports/${report.id}/errors?limit=4`);
    const rest = await api.get(`/v1/imports/${report.id}/errors?limit=4&cursor=${page.body.next}`);
    expect([page.body.items.length, rest.body.items.length, rest.body.next]).toEqual([4, 2, null]);
    expect([...page.body.items, ...rest.body.items]).toEqual(report.errors);
    expect((await people()).map(({ name }: { name: string }) => name)).toEqual(['Good', "=cmd|' /C calc'!A0"]);
  });

  it('let two rows of one person add to each other, and never contradict', async () => {
    const file =
      'externalId,name,phone,email\nP1,A,13800138000,\nP1,,,a@x.example\nP1,Other,,\n,Third,13800138000,\nP1,A,13800138000,a@x.example\n';
    const report = await imported('contacts', file);
    expect(counts(report)).toMatchObject({ created: 1, updated: 1, unchanged: 1, rejected: 2 });
    expect(report.errors).toEqual(
      [4, 5].map((row) => ({ row, errors: [{ column: null, message: 'row 2 says otherwise of the same contact' }] })),
    );
    await api.database.query('delete from event');
    expect(counts(await imported('contacts', file))).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 3,
      rejected: 2,
    });
    expect(await events()).toEqual([]);
    const twice = await imported('companies', 'externalId,name,level\nK1,A,vip\nK1,A,normal\n,A,vip\n');
    expect(counts(twice)).toMatchObject({ created: 1, unchanged: 1, rejected: 1 });
  });

  describe('and who is who', () => {
    const make = async (body: object) => (await api.post('/v1/contacts', body)).body as { id: string };

    it('join those who proved the handle, whose history it is then', async () => {
      await api.account('sms');
      const { contactId } = await api.arrive('sms', 'hello', '+8613800138000');
      await api.database.query('delete from event');
      expect(
        counts(await imported('contacts', 'externalId,name,phone,email\nP1,Wang,13800138000,w@x.example\n')),
      ).toMatchObject({ updated: 1 });
      expect(await people()).toEqual([expect.objectContaining({ id: contactId, crm: { id: 'P1', url: null } })]);
      expect(await events()).toEqual([['contact.updated', ['crm', 'handles']]]);
    });

    it('join nobody by the word of a channel where the policy says so', async () => {
      await api.database.query(`insert into setting (name, value) values ('identity', '{"merge": "verified"}')`);
      await api.account('sms2');
      const { contactId } = await api.arrive('sms2', 'hello', '+8613800138000');
      const report = await imported('contacts', 'externalId,phone\nP1,13800138000\n');
      expect(report.errors).toEqual([
        { row: 2, errors: [{ column: 'phone', message: expect.stringContaining(`belongs to contact ${contactId}`) }] },
      ]);
      expect((await people()).map(({ id, crm }: Record<string, unknown>) => [id, crm])).toEqual([[contactId, null]]);
    });

    it('never join who merely claims a handle', async () => {
      const claimant = await make(prove({ scheme: 'phone', value: '13800138000', proof: 'claimed' }));
      await imported('contacts', 'externalId,phone\nP1,13800138000\n');
      const all = await people();
      expect(all).toHaveLength(2);
      expect(all.find(({ id }: { id: string }) => id === claimant.id)).toMatchObject({
        crm: null,
        handles: [{ proof: 'claimed' }],
      });
    });

    it('reject a handle that is proven of another, and note the conflict once', async () => {
      const one = await make(prove({ scheme: 'crm', value: 'P1' }));
      const other = await make(prove({ scheme: 'phone', value: '13800138000' }));
      await api.database.query('delete from event');
      const file = 'externalId,name,phone\nP1,New,13800138000\n';
      for (let n = 0; n < 2; n += 1) {
        const report = await imported('contacts', file);
        expect(report.errors).toEqual([
          {
            row: 2,
            errors: [
              { column: 'phone', message: `belongs to contact ${other.id}, while the row is of contact ${one.id}` },
            ],
          },
        ]);
      }
      expect(await told()).toEqual([
        expect.objectContaining({
          type: 'contact.conflict',
          data: expect.objectContaining({
            conflict: expect.objectContaining({
              contactIds: [one.id, other.id].sort(),
              handle: { scheme: 'phone', scope: '', value: '+8613800138000', proof: 'verified' },
            }),
          }),
        }),
      ]);
      expect((await people()).map(({ name }: { name: string | null }) => name)).toEqual([null, null]);
      expect((await api.get('/v1/conflicts')).body.items).toHaveLength(1);
    });

    it('reject a handle of somebody whom the directory knows by another id', async () => {
      await imported('contacts', 'externalId,phone\nP1,13800138000\n');
      const report = await imported('contacts', 'externalId,phone\nP2,13800138000\nP2,13800138001\n');
      expect(counts(report)).toMatchObject({ created: 1, rejected: 1 });
      expect(report.errors[0].errors).toEqual([
        { column: 'phone', message: expect.stringContaining('who has another externalId') },
      ]);
      expect(await people()).toHaveLength(2);
    });
  });

  describe('are asked for', () => {
    it('as multipart, JSON, NDJSON and GB18030', async () => {
      const form = new FormData();
      form.append('file', new Blob([Buffer.from([0xef, 0xbb, 0xbf]), 'externalId,name\nP1,一\n']), 'people.csv');
      expect(counts(await imported('contacts', form))).toMatchObject({ created: 1 });
      const gb = Buffer.concat([Buffer.from('externalId,name\nP2,'), Buffer.from([0xcd, 0xf5, 0xb7, 0xbc])]);
      expect(counts(await imported('contacts', gb))).toMatchObject({ created: 1 });
      const json = await api.post('/v1/imports?kind=contacts', {
        items: [{ externalId: 'P3', name: '三', phone: '13800138003' }, 7],
      });
      expect([json.status, json.body.total]).toEqual([202, 2]);
      await runImport(api.database, json.body.id, { goesOn: () => true });
      const lines = await api.call('POST', '/v1/imports?kind=contacts', {
        body: '{"externalId":"P4"}\nno\n',
        headers: { 'content-type': 'application/x-ndjson' },
      });
      await runImport(api.database, lines.body.id, { goesOn: () => true });
      expect((await api.get(`/v1/imports/${json.body.id}`)).body).toMatchObject({
        created: 1,
        rejected: 1,
        errors: [{ row: 2 }],
      });
      expect((await people()).map(({ name }: { name: string }) => name)).toEqual(['一', '王芳', '三', null]);
      expect((await api.get('/v1/imports')).body.items.map(({ id }: { id: string }) => id).slice(0, 2)).toEqual([
        lines.body.id,
        json.body.id,
      ]);
    });

    it.each([
      ['contacts', 'externalId,phne\n1,2\n', 422],
      ['contacts', 'externalId,name\n1,"a\n2,b\n', 422],
      ['contacts', '', 422],
      ['people', 'externalId\n1\n', 422],
    ])('in vain: %s %j', async (kind, file, status) => {
      const answer = await send(kind, file);
      expect([answer.status, answer.body.errors?.length]).toEqual([status, 1]);
      for (const table of ['import', 'import_row'])
        expect(await api.database.query(`select 1 from ${table}`)).toEqual([]);
    });

    it('in vain without the right, of a wrong type, or on another path', async () => {
      const file = { body: 'externalId\n1\n', ...csv };
      expect(
        (await api.call('POST', '/v1/imports?kind=contacts', { ...file, key: await api.key(['contacts:read']) }))
          .status,
      ).toBe(403);
      expect((await api.call('POST', '/v1/imports?kind=contacts', { ...file, key: null })).status).toBe(401);
      expect(
        (await api.call('POST', '/v1/imports?kind=contacts', { body: 'x', headers: { 'content-type': 'text/plain' } }))
          .status,
      ).toBe(415);
      expect((await api.call('POST', '/v1/companies', file)).status).toBe(415);
      const { id } = await imported('contacts', 'externalId\n1\n');
      const limited = await api.key(['contacts:read'], ['some']);
      expect((await api.get(`/v1/imports/${id}`, { key: limited })).status).toBe(404);
      expect((await api.get(`/v1/imports/${id}/errors`, { key: limited })).status).toBe(404);
      expect((await api.get('/v1/imports/imp_none')).status).toBe(404);
    });

    it('once, where the request is repeated', async () => {
      const ask = (file: string) =>
        api.call('POST', '/v1/imports?kind=contacts', {
          body: file,
          headers: { ...csv.headers, 'idempotency-key': 'again' },
        });
      const [first, second] = [await ask('externalId\n1\n'), await ask('externalId\n1\n')];
      expect([second.status, second.body.id]).toEqual([202, first.body.id]);
      expect((await ask('externalId\n2\n')).body.code).toBe('idempotency-mismatch');
      expect(await api.database.query('select id from import')).toEqual([{ id: first.body.id }]);
      expect(await api.database.query('select count(*)::int as n from import_row')).toEqual([{ n: 1 }]);
    });
  });

  describe('in the background', () => {
    const workers: ImportWorker[] = [];
    const leases: Leases[] = [];
    function worker() {
      const held = new Leases(api.database);
      const made = new ImportWorker({ database: api.database, leases: held, log: pino({ level: 'silent' }) });
      workers.push(made);
      leases.push(held);
      return made;
    }
    afterEach(async () => {
      for (const each of workers.splice(0)) await each.stop();
      for (const each of leases.splice(0)) await each.stop();
    });
    const lines = (count: number) =>
      Array.from({ length: count }, (_, n) => `P${n},Name ${n},+86138${String(n).padStart(8, '0')}`);
    const file = (count: number) => `externalId,name,phone\n${lines(count).join('\n')}\n`;
    async function done(id: string) {
      for (;;) {
        const { body } = await api.get(`/v1/imports/${id}`);
        if (body.state !== 'running') return body;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    it('are taken up at once, and by whoever comes after one that was killed, with no row done twice', async () => {
      const { body } = await send('contacts', file(300));
      const onTurn = () => {
        throw new Error('killed');
      };
      const killed = runImport(api.database, body.id, { goesOn: () => true, onTurn });
      await expect(killed).rejects.toThrow('killed');
      const half = (await api.get(`/v1/imports/${body.id}`)).body;
      expect(half).toMatchObject({ state: 'running' });
      expect(half.processed).toBeGreaterThan(0);
      expect(half.processed).toBeLessThan(300);
      worker().start();
      worker().start();
      expect(counts(await done(body.id))).toEqual({
        created: 300,
        updated: 0,
        unchanged: 0,
        rejected: 0,
        total: 300,
        processed: 300,
      });
      expect((await events()).filter(([type]) => type === 'contact.created')).toHaveLength(300);
      const next = await send('contacts', file(300));
      api.database.hint('imports');
      expect(counts(await done(next.body.id))).toMatchObject({ unchanged: 300 });
    });

    it('do no row twice where two run at once', async () => {
      const { body } = await send('contacts', file(200));
      const runs = [0, 1, 2].map(() => runImport(api.database, body.id, { goesOn: () => true }));
      await Promise.all(runs);
      expect(counts((await api.get(`/v1/imports/${body.id}`)).body)).toMatchObject({
        created: 200,
        processed: 200,
        unchanged: 0,
      });
      expect(await events()).toHaveLength(200);
    });

    it('are given up where the database refuses them for good, and say so', async () => {
      const { body } = await send('contacts', file(1));
      await api.database.query('alter function import_batch(text, int) rename to import_batch_away');
      try {
        const tired = worker();
        tired.start();
        for (let n = 0; n < 3; n += 1) {
          api.database.hint('imports');
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const report = await (async () => {
          for (;;) {
            api.database.hint('imports');
            const { body: now } = await api.get(`/v1/imports/${body.id}`);
            if (now.state !== 'running') return now;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        })();
        expect(report).toMatchObject({ state: 'failed', failure: expect.any(String), processed: 0 });
      } finally {
        await api.database.query('alter function import_batch_away(text, int) rename to import_batch');
      }
    });

    it('leave nothing of what was never received to its end', async () => {
      await api.database.query(
        `insert into import (id, kind, created_at) values ('imp_old', 'contacts', now() - interval '2 days'), ('imp_new', 'contacts', now())`,
      );
      await api.database.query(
        `insert into import_row (import_id, row, data) values ('imp_old', 2, '{}'), ('imp_new', 2, '{}')`,
      );
      await sweepImports(api.database);
      expect(await api.database.query('select import_id from import_row')).toEqual([{ import_id: 'imp_new' }]);
      expect((await api.get('/v1/imports/imp_new')).status).toBe(404);
    });
  });

  it('take twenty thousand rows in bounded memory', async () => {
    async function* rows() {
      yield Buffer.from('externalId,name,phone,metadata.note\n');
      for (let n = 0; n < 20_000; n += 1)
        yield Buffer.from(
          `P${n},Name ${n},${n % 100 === 0 ? '12' : `+86139${String(n).padStart(8, '0')}`},${'x'.repeat(500)}\n`,
        );
    }
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().heapUsed - before)), 20);
    const answer = await fetch(`${api.url}/v1/imports?kind=contacts`, {
      method: 'POST',
      headers: { authorization: 'Bearer admin-key-of-the-suite', ...csv.headers },
      body: ReadableStream.from(rows()),
      duplex: 'half',
    } as RequestInit);
    clearInterval(watch);
    const body = (await answer.json()) as { id: string; total: number };
    expect([answer.status, body]).toEqual([202, expect.objectContaining({ total: 20_000 })]);
    expect(await api.database.query('select count(*)::int as n from import_row where errors is not null')).toEqual([
      { n: 200 },
    ]);
    expect(most).toBeLessThan(200_000_000);
    let turns = 0;
    await runImport(api.database, body.id, { goesOn: () => turns < 4, onTurn: () => (turns += 1) });
    expect((await api.get(`/v1/imports/${body.id}`)).body).toMatchObject({ state: 'running', total: 20_000 });
  }, 300_000);
});
