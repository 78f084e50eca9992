import { openDatabase } from '../open.js';

/** Writes pairs n and -n, each pair in one transaction, and says n once it is committed. Until it is killed. Maintains the database after each so many pairs, where that is told. */
const database = await openDatabase({ dataDir: process.argv[2]!, entities: [], migrations: [] });
const maintainEvery = Number(process.argv[3] ?? Infinity);
await database.query('create table if not exists written (n bigint primary key)');
console.log('open');
const [last] = await database.query<{ n: number }>('select coalesce(max(n), 0) as n from written');
for (let n = (last?.n ?? 0) + 1; ; n++) {
  await database.transaction(async (sql) => {
    await sql.query('insert into written values ($1)', [n]);
    await sql.query('insert into written values ($1)', [-n]);
  });
  console.log(String(n));
  if (n % maintainEvery === 0) await database.maintain();
}
