import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { mergeContacts, MergeRefused, prove, undoMerge } from '#identity';
import fc from 'fast-check';
import { writePolicy } from '../settings/policy.js';
import { addAccount, message, STORE } from '../testing/store.js';
import { Intake } from './intake.js';

const PEOPLE = 5;
const person = fc.nat(PEOPLE - 1);
/** Merges are named by their age: which of those that stand is undone. */
const step = fc.oneof(
  fc.record({ do: fc.constant('write' as const), one: person }),
  fc.record({ do: fc.constant('both' as const), one: person, other: person }),
  fc.record({ do: fc.constant('merge' as const), one: person, other: person }),
  fc.record({ do: fc.constant('undo' as const), which: fc.nat(20) }),
  fc.record({ do: fc.constant('close' as const), one: person }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Joined {
  readonly id: string;
  readonly into: string;
  readonly from: string;
}

/** Who is one person with whom, reckoned without the store: a forest of contacts. */
class Model {
  private readonly parents = new Map<string, string>();
  readonly standing: Joined[] = [];
  private readonly parted: Joined[] = [];

  constructor(readonly contacts: readonly string[]) {}

  root(contact: string): string {
    const parent = this.parents.get(contact);
    return parent === undefined ? contact : this.root(parent);
  }

  merge(id: string, into: string, from: string): void {
    this.parents.set(from, into);
    this.standing.push({ id, into, from });
  }

  /** Somebody parted these two, and no proof joins them again. */
  areKeptApart(one: string, other: string): boolean {
    const both = [one, other].sort().join();
    return this.parted.some(
      ({ into, from }) =>
        [into, from].some((id) => id === one || id === other) &&
        [this.root(into), this.root(from)].sort().join() === both,
    );
  }

  undo(which: number): string | undefined {
    const [merge] = this.standing.splice(which % Math.max(1, this.standing.length), 1);
    if (!merge) return undefined;
    this.parents.delete(merge.from);
    this.parted.push(merge);
    return merge.id;
  }
}

describeOnEveryDatabase('any sequence of merges', (open) => {
  let database: Database;
  let intake: Intake;
  let run = 0;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await writePolicy(database, 'identity', { merge: 'channel' });
    intake = new Intake(database);
  });
  afterAll(() => database.close());

  const phones = () =>
    Array.from({ length: PEOPLE }, (_, n) => `+86139${String(run).padStart(5, '0')}${String(n).padStart(3, '0')}`);
  const write = async (thread: string, ...values: string[]) => {
    const handles = values.map((value) => ({ scheme: 'phone', scope: '', value, proof: 'channel' as const }));
    return (await intake.accept('sms', [message(thread, 'hello', { thread, sender: { handles } })]))[0]!;
  };
  const merge = (into: string, from: string) =>
    database.transaction((sql) => mergeContacts(sql, { into, from, reason: 'said', by: 'key:test' }));
  const undo = (id: string) => database.transaction((sql) => undoMerge(sql, id, 'key:test'));
  const attributes = (ids: readonly string[]) =>
    database.query('select id, name, blocked, metadata, merged_into from contact where id = any ($1) order by id', [
      ids,
    ]);

  async function begin(): Promise<{ values: string[]; model: Model }> {
    run += 1;
    const values = phones();
    const stored = [];
    for (const value of values) stored.push(await write(value, value));
    const contacts = stored.map(({ contactId }) => contactId!);
    await database.query(
      `update contact set name = case when n % 2 = 0 then 'name ' || n end, blocked = n = 4, metadata = jsonb_build_object('n' || n, n, 'all', n)
       from unnest($1::text[]) with ordinality x(key, n) where id = key`,
      [contacts],
    );
    return { values, model: new Model(contacts) };
  }

  /** What must hold of the store at any moment, whoever did what. */
  async function checkPlaces(values: readonly string[]): Promise<void> {
    const astray = await database.query(
      `select t.id from thread t left join conversation c on c.id = t.conversation_id left join conversation_thread j on j.thread_id = t.id
         left join conversation o on o.id = j.conversation_id
       where t.external_id = any ($1) and (c.contact_id <> t.contact_id or o.contact_id <> t.contact_id)
       union all
       select h.id from handle h join contact c on c.id = h.contact_id where h.value = any ($1) and c.merged_into is not null
       union all
       select c.id from conversation c join thread t on t.id = c.last_thread_id where t.external_id = any ($1) and t.contact_id <> c.contact_id
       union all
       select e.conversation_id from event e join conversation c on c.id = e.conversation_id join thread t on t.conversation_id = c.id and t.external_id = any ($1)
       group by e.conversation_id, t.id, c.event_sequence having count(*) <> max(e.sequence) or max(e.sequence) <> c.event_sequence`,
      [values],
    );
    expect(astray).toEqual([]);
  }

  async function take(action: Step, { values, model }: { values: string[]; model: Model }): Promise<void> {
    if (action.do === 'undo') {
      const id = model.undo(action.which);
      if (id) await undo(id);
      return;
    }
    const one = values[action.one]!;
    const [a, b] = [action.one, 'other' in action ? action.other : action.one].map((n) =>
      model.root(model.contacts[n]!),
    ) as [string, string];
    if (action.do === 'write') expect((await write(one, one)).contactId).toBe(a);
    if (action.do === 'close')
      await database.query(
        `update conversation set status = 'closed', closed_at = now() - interval '1 year' where contact_id = $1`,
        [a],
      );
    if (action.do === 'merge') {
      const id = await merge(model.contacts[action.one]!, model.contacts[action.other]!);
      expect(id === null).toBe(a === b);
      if (id) model.merge(id, a, b);
    }
    if (action.do === 'both') {
      const { contactId } = await write(one, one, values[action.other]!);
      const older = model.contacts.indexOf(a) < model.contacts.indexOf(b) ? a : b;
      const isJoined = a !== b && !model.areKeptApart(a, b);
      expect(contactId).toBe(isJoined ? older : a);
      if (!isJoined) return;
      const [made] = await database.query<{ id: string }>(
        'select id from merge where survivor_id = $1 and undone_at is null order by id desc limit 1',
        [older],
      );
      model.merge(made!.id, older, older === a ? b : a);
    }
  }

  it('leaves every handle and thread with the contact that the model says, and undone in any order restores everybody', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.array(fc.nat(20)), async (steps, order) => {
        const world = await begin();
        const { values, model } = world;
        const before = await attributes(model.contacts);
        for (const action of steps) {
          await take(action, world);
          const places = await database.query<{ value: string; by: string; thread: string }>(
            `select h.value, h.contact_id as by, t.contact_id as thread from handle h join thread t on t.external_id = h.value where h.value = any ($1) order by h.value`, [values]); // prettier-ignore
          expect(places).toEqual(
            values.map((value, n) => ({
              value,
              by: model.root(model.contacts[n]!),
              thread: model.root(model.contacts[n]!),
            })),
          );
          await checkPlaces(values);
        }
        for (const which of [...order, ...Array<number>(steps.length).fill(0)]) {
          const id = model.undo(which);
          if (id) await undo(id);
        }
        expect(await attributes(model.contacts)).toEqual(before);
        for (const [n, value] of values.entries())
          expect((await write(value, value)).contactId).toBe(model.contacts[n]);
        await checkPlaces(values);
      }),
      { numRuns: 40, seed: 20261122, endOnFailure: false },
    );
  });

  it('stays whole when people write, merge and undo at the same moment', async () => {
    const { values, model } = await begin();
    const made: string[] = [];
    const refused: unknown[] = [];
    const pick = <T>(items: readonly T[], n: number): T => items[n % items.length]!;
    const jobs = fc
      .sample(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { numRuns: 150, seed: 7 })
      .map(([kind, a, b]) => async () => {
        if (kind % 3 === 0) await write(pick(values, a), pick(values, a));
        else if (kind % 3 === 1 || made.length === 0) {
          const id = await merge(pick(model.contacts, a), pick(model.contacts, b));
          if (id) made.push(id);
        } else {
          const [id] = made.splice(a % made.length, 1);
          await undo(id!).catch((error: unknown) => {
            made.push(id!);
            throw error;
          });
        }
      });
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let job = jobs.pop(); job; job = jobs.pop())
          await job().catch((error: unknown) => void refused.push(error));
      }),
    );
    const unexpected = refused.filter(
      (error) => !(error instanceof MergeRefused) && (error as { code?: string }).code !== '40P01',
    );
    expect(unexpected).toEqual([]);
    await checkPlaces(values);
    for (const id of made) await undo(id);
    for (const [n, value] of values.entries()) expect((await write(value, value)).contactId).toBe(model.contacts[n]);
    await checkPlaces(values);
  });

  /** A merge or its undoing is under way, and a message arrives meanwhile. */
  async function meanwhile(change: (sql: Sql) => Promise<unknown>, arrive: () => Promise<unknown>): Promise<void> {
    let arriving: Promise<unknown> | undefined;
    await database.transaction(async (sql) => {
      await change(sql);
      arriving = arrive();
      await delay(150);
    });
    await arriving;
  }

  it('takes a message that comes in the middle of a merge or of its undoing to whom it belongs afterwards', async () => {
    if (database.kind === 'embedded') return; // one connection: nothing comes in the middle
    const { values, model } = await begin();
    const [a, b] = model.contacts as [string, string];
    let id = '';
    const joined = { into: a, from: b, reason: 'said', by: 'key:test' };
    const stored: Awaited<ReturnType<typeof write>>[] = [];
    const arrive = (thread: string) => async () => void stored.push(await write(thread, values[1]!));
    await meanwhile(async (sql) => (id = (await mergeContacts(sql, joined))!), arrive('new thread 1'));
    expect(stored[0]!.contactId).toBe(a);
    await meanwhile((sql) => undoMerge(sql, id, 'key:test'), arrive('new thread 2'));
    expect(stored[1]!.contactId).toBe(b);
    await meanwhile(
      (sql) => mergeContacts(sql, joined),
      () =>
        database.transaction((sql) =>
          prove(sql, b, {
            handle: { scheme: 'email', scope: '', value: `late${run}@x.example`, proof: 'verified' },
            source: 'code:x',
          }),
        ),
    );
    const [row] = await database.query<{ contact_id: string }>('select contact_id from handle where value = $1', [
      `late${run}@x.example`,
    ]);
    expect(row!.contact_id).toBe(a);
    const found = await database.query(`select c.id from conversation c join contact k on k.id = c.contact_id where k.merged_into is not null and k.id = any ($1)`, [model.contacts]); // prettier-ignore
    expect(found).toEqual([]);
  });
});
