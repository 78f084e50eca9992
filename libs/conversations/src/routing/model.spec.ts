import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Intake } from '../intake/intake.js';
import { addAccount, message, STORE } from '../testing/store.js';
import { ROUTING_FACTS, tryRouting, writeRouting, type Hours, type RoutingFacts, type RoutingRule } from './routing.js';

// The rules and hours once more, in TypeScript and in another way: what the database says is held against it.

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** Steps through the minutes of the week on the wall clock of the zone, and looks whether one of the spans that began covers it. */
function isOpen({ zone, weekly, closed }: Hours, at: Date): boolean {
  const wall = wallClock(zone, at);
  return [0, 1].some((back) => {
    const day = new Date(Date.UTC(wall.year, wall.month - 1, wall.day - back));
    if (closed.includes(day.toISOString().slice(0, 10))) return false;
    const spans = weekly[DAYS[(day.getUTCDay() + 6) % 7]!] ?? [];
    return spans.some((span) => {
      const [opens, closes] = span.split('-').map(minutes) as [number, number];
      const now = wall.minute + back * 1_440;
      return now >= opens && now < (closes < opens ? closes + 1_440 : closes);
    });
  });
}

function minutes(time: string): number {
  const [hour, minute] = time.split(':').map(Number) as [number, number];
  return hour * 60 + minute;
}

function wallClock(zone: string, at: Date) {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const [day, month, year, hour, minute] = format.format(at).match(/\d+/g)!.map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { year, month, day, minute: hour * 60 + minute };
}

function decide(rules: readonly RoutingRule[], facts: RoutingFacts): string | null {
  const holds = (fact: string, expected: readonly string[]): boolean => {
    if (fact === 'outside') return !expected.some((name) => facts.hours.includes(name));
    const found = facts[fact === 'during' ? 'hours' : (fact as keyof RoutingFacts)];
    return found.some((value) => expected.includes(value));
  };
  for (const { name, when } of rules) {
    if (Object.entries(when).every(([fact, expected]) => holds(fact, expected!))) return name;
  }
  return null;
}

/** Numbers from 0 below 1, the same of the same seed. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const ZONES = ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];
/** Hours around which clocks are changed, years begin, and nothing happens. */
const MOMENTS = ['2026-03-29T00:00Z', '2026-10-25T00:00Z', '2026-11-01T05:00Z', '2026-03-08T06:00Z', '2026-04-04T14:00Z', '2025-12-31T12:00Z', '2026-07-15T08:00Z']; // prettier-ignore

describeOnEveryDatabase('routing and its model', (open) => {
  let database: Database;
  const random = randomness(4711);
  const below = (n: number) => Math.floor(random() * n);
  const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const some = <T>(list: readonly T[], most: number): T[] => [
    ...new Set(Array.from({ length: 1 + below(most) }, () => oneOf(list))),
  ];
  const time = () => `${String(below(24)).padStart(2, '0')}:${oneOf(['00', '07', '30', '59'])}`;
  const span = (): string => {
    const [from, to] = [time(), oneOf(['24:00', time(), time(), time()])];
    return from === to ? '00:00-24:00' : `${from}-${to}`;
  };
  const moment = () => new Date(Date.parse(oneOf(MOMENTS)) + below(48 * 60) * 60_000);
  const hours = (): Hours => ({
    zone: oneOf(ZONES),
    weekly: Object.fromEntries(some(DAYS, 7).map((day) => [day, Array.from({ length: below(3) }, span)])),
    closed: Array.from({ length: below(4) }, () => moment().toISOString().slice(0, 10)),
  });

  beforeAll(async () => {
    database = await open(STORE);
  });
  afterAll(() => database.close());

  it.each<[string, string, Partial<Hours>, boolean]>([
    ['the minute they begin', '2026-03-23T08:00:00Z', {}, true],
    ['the second before', '2026-03-23T07:59:59Z', {}, false],
    ['the minute they end', '2026-03-23T17:00:00Z', {}, false],
    ['an hour earlier in summer', '2026-03-30T07:00:00Z', {}, true],
    ['the hour that summer took', '2026-03-30T16:30:00Z', {}, false],
    ['a day that is closed', '2026-03-23T10:00:00Z', { closed: ['2026-03-23'] }, false],
    ['a day without hours', '2026-03-24T10:00:00Z', {}, false],
    ['before midnight', '2026-03-28T22:30:00Z', { weekly: { sat: ['22:00-06:00'] } }, true],
    [
      'after midnight, in the night that is an hour shorter',
      '2026-03-29T03:59:00Z',
      { weekly: { sat: ['22:00-06:00'] } },
      true,
    ],
    ['the end of that night', '2026-03-29T04:00:00Z', { weekly: { sat: ['22:00-06:00'] } }, false],
    ['the end of the night that is an hour longer', '2026-10-25T04:59:00Z', { weekly: { sat: ['22:00-06:00'] } }, true],
    [
      'after midnight of a closed day',
      '2026-03-29T01:30:00Z',
      { weekly: { sat: ['22:00-06:00'] }, closed: ['2026-03-29'] },
      true,
    ],
    [
      'after midnight, where the evening was closed',
      '2026-03-29T01:30:00Z',
      { weekly: { sat: ['22:00-06:00'] }, closed: ['2026-03-28'] },
      false,
    ],
    ['midnight at the end of a whole day', '2026-07-13T22:00:00Z', { weekly: { mon: ['00:00-24:00'] } }, false],
  ])('knows %s', async (...[, at, more, expected]) => {
    const berlin = { zone: 'Europe/Berlin', weekly: { mon: ['09:00-18:00'] }, closed: [], ...more };
    const [row] = await database.query<{ open: boolean }>('select hours_open($1::jsonb, $2::timestamptz) as open', [
      JSON.stringify(berlin),
      at,
    ]);
    expect(row!.open).toBe(expected);
    expect(isOpen(berlin, new Date(at))).toBe(expected);
  });

  it('agrees on two thousand moments of random hours', async () => {
    const cases = Array.from({ length: 2_000 }, () => ({ hours: hours(), at: moment() }));
    const rows = await database.query<{ open: boolean }>(
      `select hours_open(x->'hours', (x->>'at')::timestamptz) as open from jsonb_array_elements($1::jsonb) with ordinality e(x, n) order by n`,
      [JSON.stringify(cases)],
    );
    const wrong = cases.filter((one, i) => rows[i]!.open !== isOpen(one.hours, one.at));
    expect(wrong).toEqual([]);
    expect(rows.filter((row) => row.open).length).toBeGreaterThan(200);
  });

  const value = () => `v${below(5)}`;
  const NAMES = ['h0', 'h1', 'h2'];
  const CONDITIONS = [...ROUTING_FACTS.filter((fact) => fact !== 'hours'), 'during', 'outside'] as const;
  const rule = (_: unknown, i: number): RoutingRule => ({
    name: `rule ${i}`,
    when: Object.fromEntries(
      Array.from({ length: below(4) }, () => oneOf(CONDITIONS)).map((condition) => [
        condition,
        condition === 'during' || condition === 'outside'
          ? some(NAMES, 2)
          : Array.from({ length: 1 + below(3) }, value),
      ]),
    ),
    set: { queue: `q${i}` },
  });

  it('agrees on random rules and facts, and says why', async () => {
    const decided = new Set<string | null>();
    for (let round = 0; round < 150; round += 1) {
      const policy = {
        hours: Object.fromEntries(NAMES.map((name) => [name, hours()])),
        rules: Array.from({ length: 1 + below(8) }, rule),
      };
      await writeRouting(database, policy);
      const at = moment();
      const facts = Object.fromEntries(
        ROUTING_FACTS.filter((fact) => fact !== 'hours').map((fact) => [
          fact,
          random() < 0.3 ? [] : Array.from({ length: 1 + below(3) }, value),
        ]),
      );
      const trial = await tryRouting(database, { facts, at: at.toISOString() });
      const full = {
        ...facts,
        hours: NAMES.filter((name) => isOpen(policy.hours[name]!, at)),
      } as unknown as RoutingFacts;
      expect(trial.facts).toEqual(full);
      expect(trial.rule).toBe(decide(policy.rules, full));
      expect(trial.rules.map(({ name, matches }) => (matches ? name : null))).toEqual(
        policy.rules.map((one) => decide([one], full)),
      );
      for (const { matches, conditions } of trial.rules) expect(conditions.every(({ holds }) => holds)).toBe(matches);
      decided.add(trial.rule);
    }
    expect(decided.size).toBeGreaterThan(5);
  });

  it('says in a dry run what becomes of a message then', async () => {
    for (const id of ['v0', 'v1', 'v2']) await addAccount(database, { id, type: 'v3' });
    await database.query(
      `insert into company (id, name, level, products) select 'v' || n, 'Firm ' || n, 'v' || (n + 1), array['v' || (n + 2)] from generate_series(0, 2) n`,
    );
    const intake = new Intake(database, { languageOf: (text) => text });
    const queues = new Set<string | null>();
    for (let round = 0; round < 60; round += 1) {
      await writeRouting(database, { hours: {}, rules: [] });
      const phone = `+86135000${String(round).padStart(5, '0')}`;
      const [first] = await intake.accept('v0', [message(phone, 'x')]);
      const contactId = first!.contactId!;
      await database.query(
        `update conversation set status = 'closed', closed_at = now() - interval '1 year' where id = $1`,
        [first!.conversationId],
      );
      await database.query('update contact set company_id = $2 where id = $1', [contactId, `v${below(3)}`]);
      await writeRouting(database, {
        hours: Object.fromEntries(NAMES.map((name) => [name, hours()])),
        rules: Array.from({ length: 6 }, rule),
      });
      const [accountId, language, metadata] = [oneOf(['v0', 'v1', 'v2']), oneOf(['de', 'fr']), { product: value() }];
      const before = await tryRouting(database, {
        contactId,
        accountId,
        language,
        facts: { product: [metadata.product] },
      });
      expect(before.facts.account).toEqual([accountId]);
      const [opened] = await intake.accept(accountId, [message(phone, language, { metadata })]);
      const [row] = await database.query<{ queue: string | null }>('select queue from conversation where id = $1', [
        opened!.conversationId,
      ]);
      const after = await tryRouting(database, { conversationId: opened!.conversationId! });
      expect(after.set.queue ?? null).toBe(row!.queue);
      const unasked = { product: [], hours: [] };
      expect({ ...after.facts, ...unasked }).toEqual({ ...before.facts, ...unasked });
      queues.add(row!.queue);
    }
    expect(queues.size).toBeGreaterThan(3);
  });
});
