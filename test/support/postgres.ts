import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import pg from 'pg';
import { postgresMissing, startPostgres, type PostgresServer } from '#database/testing';

/** A real Postgres for one suite, with as many databases as its tests want. */
export class Postgres {
  private server: PostgresServer | undefined;
  private readonly clients: pg.Client[] = [];

  /** `durable`: its commits are put on the disk, as in production. */
  constructor(private readonly options: { readonly durable?: boolean } = {}) {}

  async start(): Promise<void> {
    const given = process.env['TEST_DATABASE_URL'];
    this.server = given ? { url: given, stop: async () => undefined } : await startPostgres(this.options);
  }

  /** A new, empty database; returns its address. */
  async database(): Promise<string> {
    const name = `tributary_${randomUUID().replaceAll('-', '')}`;
    const url = new URL(this.server!.url);
    await (await this.connect(url.href)).query(`create database ${name}`);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** A connection of the test's own, ended with the suite. */
  async connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end().catch(() => undefined)));
    await this.server?.stop();
  }
}

/** Defines a suite that needs a real Postgres. Where there is none it is skipped, and fails where CI=true. */
export function describeWithPostgres(
  name: string,
  define: (postgres: Postgres) => void,
  options: { readonly durable?: boolean } = {},
): void {
  const missing = postgresMissing();
  if (missing !== undefined && process.env['CI'] === 'true') {
    it(name, () => {
      throw new Error(`this suite must run on a real Postgres: ${missing}`);
    });
    return;
  }
  const postgres = new Postgres(options);
  (missing === undefined ? describe : describe.skip)(missing ? `${name} SKIPPED: ${missing}` : name, () => {
    beforeAll(() => postgres.start());
    afterAll(() => postgres.stop());
    define(postgres);
  });
}

/** The leases of a process that was killed run out at once, as they would by themselves 15 s later. */
export async function expireLeases(client: pg.Client): Promise<void> {
  await client.query(`update lease set expires_at = '-infinity'`);
}
