import { type SyncPolicy } from '../embedded/syncing.js';
import { recordFiles } from './recorded-files.js';

/** Works on the database in a folder for a while, with everything that it does to files recorded; promises n once pair n is committed. */
const [folder, log, sync] = process.argv.slice(2) as [string, string, SyncPolicy];
const promise = recordFiles(folder, log);
const { openDurable } = await import('../embedded/durable-pglite.js');
const database = await openDurable(folder, { sync, onFatal: (reason) => { throw new Error(reason); } }); // prettier-ignore

await database.exec(
  'create table written (n bigint primary key, filler text); create table churn (n bigint, filler text)',
);
for (let n = 1; n <= 160; n++) {
  const filler =
    n % 4 === 0 ? `(select string_agg(md5(random()::text), '') from generate_series(1, 14000))` : `'short'`;
  await database.exec(
    `begin; insert into written values (${n}, ${filler}); insert into written values (${-n}, 'pair'); commit`,
  );
  promise(n);
  if (n % 10 === 0)
    await database.exec(`truncate churn; insert into churn select n, 'filler' from generate_series(1, 500) as n`);
  if (n % 15 === 0) for (const text of ['delete from churn', 'vacuum churn']) await database.exec(text);
  if (n % 40 === 0) await database.exec('checkpoint');
  if (n % 50 === 0)
    await database.exec(
      `create table made_${n} as select n from generate_series(1, 1000) as n; drop table if exists made_${n - 50}`,
    );
  if (sync === 'background' && n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 40));
}
process.exit(0);
