import pg from 'pg';

/** A table, with the columns that hold something of their own. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Where a sequence stands. `called`: the value was given out already. The value is a text, because it may exceed what a number holds. */
export interface SequenceValue {
  readonly name: string;
  readonly value: string;
  readonly called: boolean;
}

/** TypeORM's list of what was migrated: it comes with the tables and not with their content. */
const MIGRATIONS = 'migration';

const TABLES = `select c.relname as name, c.relkind = 'p' as partitioned,
    (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
    (select coalesce(array_agg(distinct r.relname::text), '{}') from pg_constraint k join pg_class r on r.oid = k.confrelid
      where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as needs
  from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relname <> $1 order by c.relname`;
const SEQUENCES = `select sequencename as name from pg_sequences where schemaname = current_schema()
  and sequencename not like '${MIGRATIONS}\\_%' order by 1`;

interface Row extends TableShape {
  readonly partitioned: boolean;
  readonly needs: readonly string[];
}

/** All tables, each behind those that it refers to. */
export async function tablesOf(client: pg.ClientBase): Promise<TableShape[]> {
  const { rows } = await client.query<Row>(TABLES, [MIGRATIONS]);
  const split = rows.find(({ partitioned }) => partitioned);
  if (split) throw new Error(`the table ${split.name} is partitioned, which a transfer cannot do`);
  const ordered: TableShape[] = [];
  for (let left = rows; left.length > 0;) {
    const ready = left.filter(({ needs }) => needs.every((name) => !left.some((other) => other.name === name)));
    if (ready.length === 0) throw new Error(`tables refer to each other in a circle: ${left.map(({ name }) => name)}`);
    ordered.push(...ready.map(({ name, columns }) => ({ name, columns })));
    left = left.filter((table) => !ready.includes(table));
  }
  return ordered;
}

export async function sequencesOf(client: pg.ClientBase): Promise<SequenceValue[]> {
  const { rows } = await client.query<{ name: string }>(SEQUENCES);
  const values: SequenceValue[] = [];
  for (const { name } of rows) {
    const text = `select last_value::text as value, is_called as called from ${pg.escapeIdentifier(name)}`;
    values.push({ name, ...(await client.query<Omit<SequenceValue, 'name'>>(text)).rows[0]! });
  }
  return values;
}

/** The migrations that made these tables, oldest first; none in a database that was never used. */
export async function migrationsOf(client: pg.ClientBase): Promise<string[]> {
  const known = await client.query<{ found: string | null }>(`select to_regclass('${MIGRATIONS}')::text as found`);
  if (!known.rows[0]?.found) return [];
  return (await client.query<{ name: string }>(`select name from ${MIGRATIONS} order by id`)).rows.map(
    ({ name }) => name,
  );
}
