import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../open.js';
import { startTypeScript } from '../testing/child.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';

const KILLS = Number(process.env['START_KILLS'] ?? 12);
const SEED = Number(process.env['START_SEED'] ?? Date.now() % 1_000_000);
jest.setTimeout(120_000 + KILLS * 15_000);

const STARTER = new URL('../testing/first-start.child.ts', import.meta.url);
/** What a start says on its way, and within how many milliseconds behind it the kill comes: in the creation, migrations, first writes, a checkpoint. */
const STEPS: readonly (readonly [RegExp, number])[] = [
  [/^creating/, 600],
  [/^creating/, 1_200],
  [/^creating/, 3_000],
  [/^migrated/, 400],
  [/^open/, 400],
  [/^checkpoint/, 400],
];

/** Numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Kills go to every step in turn, a random time behind it, so that they land in the creation, in migrations, in checkpoints and between. */
describe(`kill -9 at ${KILLS} moments of a first start (START_SEED=${SEED})`, () => {
  let dataDir: string;

  beforeAll(async () => (dataDir = await temporaryFolder()));
  afterAll(() => removeFolder(dataDir));

  it('is followed by a start that succeeds by itself, with whole migrations and everything that was answered', async () => {
    const draw = random(SEED);
    const reached = new Set<string>();
    let answered = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const [step, withinMs] = STEPS[kill % STEPS.length]!;
      if (kill % STEPS.length === 0) {
        await removeFolder(dataDir);
        answered = 0;
      }
      const starter = startTypeScript(STARTER, dataDir);
      await starter.until((line) => step.test(line) || line === 'open');
      await delay(draw() * withinMs);
      await starter.kill();
      for (const line of starter.lines) reached.add(line.replace(/ .*/, ''));
      answered = Math.max(answered, ...starter.lines.map(Number).filter(Number.isInteger));
      if (kill % STEPS.length < STEPS.length - 1) continue;
      await check(answered);
    }
    await check(answered);
    expect([...reached]).toEqual(expect.arrayContaining(['creating', 'migrated', 'open', 'checkpoint']));
  });

  async function check(answered: number): Promise<void> {
    expect(existsSync(dataDir)).toBe(true);
    const database = await openDatabase({ dataDir, entities: [], migrations: [] });
    for (const { name } of await database.query<{ name: string }>('select name from migration order by id')) {
      const table = `table_${/^Table(.)/.exec(name)![1]}`;
      expect(await database.query(`select count(*) filter (where n < 0) as n from ${table}`)).toEqual([{ n: 20_000 }]);
    }
    const tables = await database.query<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'public'`); // prettier-ignore
    const [known] = await database.query<{ count: number }>(`select count(*) as count from migration`);
    expect(tables).toHaveLength(known!.count + 1);
    if (answered > 0) {
      const [row] = await database.query(`select max(n) as last, count(*) filter (where n > 0) as count from table_a`);
      expect(row!['last']).toBeGreaterThanOrEqual(answered);
      expect(row!['count']).toBe(row!['last']);
    }
    await database.close();
  }
});
