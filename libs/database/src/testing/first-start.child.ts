import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { openDatabase } from '../open.js';

/** A first start and the work behind it: says each step that is done. Until it is killed. */
class Tables implements MigrationInterface {
  constructor(
    readonly name: string,
    private readonly table: string,
  ) {}

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table ${this.table} (n bigint primary key, filler text)`);
    await runner.query(`insert into ${this.table} select -n, md5(n::text) from generate_series(1, 20000) as n`);
    await runner.query(`create index on ${this.table} (filler)`);
  }

  async down(): Promise<void> {}
}

const migrations = ['a', 'b', 'c', 'd'].map(
  (table, index) =>
    class extends Tables {
      constructor() {
        super(`Table${table}170000000000${index + 1}`, `table_${table}`);
      }
    },
);
const said = (step: string): unknown => process.stdout.write(`${step}\n`);
const database = await openDatabase({ dataDir: process.argv[2]!, entities: [], migrations, log: said });
said('open');
const [last] = await database.query<{ n: number }>('select greatest(max(n), 0) as n from table_a');
for (let n = last!.n + 1; ; n++) {
  await database.query('insert into table_a values ($1, $2)', [n, 'x'.repeat(500)]);
  said(String(n));
  if (n % 40 === 0) {
    said('checkpoint');
    await database.maintain();
  }
}
