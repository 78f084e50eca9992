import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Database, type Sql } from '#database';
import { describeOnEveryDatabase, describeOnPostgres } from '#database/testing';
import { STORE } from '../testing/store.js';
import { Horizon } from './horizon.js';
import { Outbox } from './outbox.js';

const ALL = Array.from({ length: 64 }, (_, partition) => partition);
const lay = (sql: Sql, lane: string, item: string): Promise<unknown> =>
  sql.query(
    `insert into outbox (partition, lane, kind, target_id, item_id) values (lane_partition($1), $1, 'event', 'hd', $2)`,
    [lane, item],
  );

/** A transaction that is open until told. */
class Open {
  private end: (commit: boolean) => void = () => undefined;
  private steps: Promise<unknown> = Promise.resolve();
  private sql: Sql | undefined;
  private readonly over: Promise<unknown>;
  private readonly begun: Promise<void>;

  constructor(database: Database) {
    let ready: () => void;
    this.begun = new Promise((resolve) => (ready = resolve));
    const ended = new Promise<boolean>((resolve) => (this.end = resolve));
    this.over = database
      .transaction(async (sql) => {
        this.sql = sql;
        ready();
        if (!(await ended)) throw new Error('rolled back');
      })
      .catch(() => undefined);
  }

  async lay(lane: string, item: string): Promise<void> {
    await this.begun;
    this.steps = this.steps.then(() => lay(this.sql!, lane, item));
    await this.steps;
  }

  async finish(commit: boolean): Promise<void> {
    await this.steps;
    this.end(commit);
    await this.over;
  }
}

describeOnEveryDatabase('the horizon of the outbox', (open) => {
  it('is at the last position where nobody writes, for the outbox and the stream', async () => {
    const database = await open(STORE);
    const horizon = new Horizon(database);
    expect(await horizon.safe()).toEqual({ outbox: 0, event: 0 });
    await lay(database, 'hd:1', 'a');
    await lay(database, 'hd:2', 'b');
    await database.query(`select emit('account.connected', null, null, 'x', null, now())`);
    expect(await horizon.probe()).toBe(true);
    expect(horizon.known).toEqual({ outbox: 2, event: 1 });
  });
});

describeOnPostgres('the horizon of the outbox', (open) => {
  let database: Database;
  beforeAll(async () => void (database = await open({ ...STORE, poolSize: 8 } as typeof STORE)));
  beforeEach(() => database.query('truncate outbox'));

  it('waits for a single writer that began before, whatever its transaction id', async () => {
    const horizon = new Horizon(database);
    const [early] = [new Open(database)];
    await early!.lay('hd:1', 'early');
    expect(await horizon.probe()).toBe(false);
    expect(await horizon.probe()).toBe(false);
    await early!.finish(true);
    expect(await horizon.probe()).toBe(true);
  });

  it('is not held up by an idle transaction that wrote something else, nor by a reader', async () => {
    const horizon = new Horizon(database);
    await database.transaction(async (sql) => {
      await sql.query(`insert into cursor (name, value) values ('x', 'y')`);
      await sql.query('select count(*) from outbox');
      await lay(database, 'hd:1', 'a');
      expect(await horizon.probe()).toBe(true);
    });
  });

  it('loses nothing and keeps the order of every lane, in any interleaving of writers and readers', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('lay' as const), writer: fc.nat(3), lane: fc.nat(1) }),
      fc.record({ do: fc.constant('end' as const), writer: fc.nat(3), commit: fc.boolean() }),
      fc.record({ do: fc.constant('read' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
        await database.query('truncate outbox');
        const reader = new Reader(database);
        await reader.catchUp();
        const writers = new Map<number, { open: Open; laid: { lane: string; item: string }[] }>();
        const expected: { lane: string; item: string }[] = [];
        let count = 0;
        for (const one of steps) {
          if (one.do === 'read') await reader.read();
          if (one.do === 'lay') {
            const writer = writers.get(one.writer) ?? { open: new Open(database), laid: [] };
            writers.set(one.writer, writer);
            // A lane belongs to the writer: within a lane, the lock of the conversation allows one writer at a time.
            const line = { lane: `hd:${one.writer}.${one.lane}`, item: `i${(count += 1)}` };
            await writer.open.lay(line.lane, line.item);
            writer.laid.push(line);
          }
          if (one.do === 'end' && writers.has(one.writer)) {
            const { open: writer, laid } = writers.get(one.writer)!;
            writers.delete(one.writer);
            await writer.finish(one.commit);
            if (one.commit) expected.push(...laid);
          }
        }
        for (const { open: writer } of writers.values()) await writer.finish(false);
        await reader.catchUp();
        for (const lane of new Set(expected.map((line) => line.lane))) {
          expect(reader.items(lane)).toEqual(expected.filter((line) => line.lane === lane).map(({ item }) => item));
        }
        expect(reader.seen).toHaveLength(expected.length);
      }),
      { numRuns: 40 },
    );
  });
});

/** Reads by cursor, as the relay does. */
class Reader {
  readonly seen: { lane: string; itemId: string }[] = [];
  private cursor = 0;
  private readonly horizon: Horizon;
  private readonly outbox: Outbox;

  constructor(database: Database) {
    this.horizon = new Horizon(database);
    this.outbox = new Outbox(database);
  }

  async read(): Promise<boolean> {
    const settled = await this.horizon.probe();
    const upTo = this.horizon.known.outbox;
    this.seen.push(...(await this.outbox.fresh({ after: this.cursor, upTo, limit: 1_000 }, ALL)));
    this.cursor = upTo;
    return settled;
  }

  async catchUp(): Promise<void> {
    while (!(await this.read()));
  }

  items(lane: string): string[] {
    return this.seen.filter((entry) => entry.lane === lane).map(({ itemId }) => itemId);
  }
}
