import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listeningUrl } from '#config';
import type { ImportRecord } from '#identity';
import { adminKeyFile } from '../engine.js';
import { openSettings } from '../packages/index.js';
import { Progress, type Terminal } from './progress.js';

const USAGE = `npm run import -- <companies|contacts> <file.csv|file.ndjson> [--country CN] [--unknown metadata] [--url http://...] [--key ...]`;
const TYPES: Readonly<Record<string, string>> = { '.ndjson': 'application/x-ndjson', '.jsonl': 'application/x-ndjson' };
const FLAGS = ['--country', '--unknown', '--url', '--key'] as const;
const POLL_MS = 300;
/** So long a gateway that does not answer is asked again. */
const PATIENCE_MS = 60_000;
const SHOWN_ERRORS = 20;

/** What went wrong, in words for whoever typed the command. */
export class ImportTrouble extends Error {}

export interface Command {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
}

/**
 * Sends a file to a running gateway and shows how far it is; returns whether every row was taken. The gateway is the one of `PORT` and `HOST`, the key that of `DATA_DIR`,
 * unless told. Throws `ImportTrouble`.
 */
export async function importCommand({ words, env, terminal }: Command): Promise<boolean> {
  const { kind, file, flags } = read(words);
  const gateway = await target(flags, env);
  const path = resolve(env.INIT_CWD ?? process.cwd(), file);
  const progress = new Progress(terminal);
  const sent = await send(gateway, path, { kind, country: flags['--country'], unknown: flags['--unknown'] });
  let report = sent;
  for (; report.state === 'running'; report = await poll(gateway, sent.id)) {
    progress.show(report);
    await delay(POLL_MS);
  }
  progress.show(report);
  progress.end();
  for (const line of told(report)) terminal.write(`${line}\n`);
  if (report.state === 'failed') throw new ImportTrouble(`the import ${report.id} was given up: ${report.failure}`);
  return report.rejected === 0;
}

interface Gateway {
  readonly url: string;
  readonly key: string;
}

type Flags = Partial<Record<(typeof FLAGS)[number], string>>;

function read(words: readonly string[]): { kind: string; file: string; flags: Flags } {
  const flags: Flags = {};
  const plain: string[] = [];
  for (let n = 0; n < words.length; n += 1) {
    const word = words[n]!;
    const flag = FLAGS.find((name) => name === word);
    if (flag) flags[flag] = words[(n += 1)] ?? '';
    else plain.push(word);
  }
  const [kind = '', file, ...more] = plain;
  if (!['companies', 'contacts'].includes(kind) || file === undefined || more.length > 0 || file.startsWith('--'))
    throw new ImportTrouble(`usage: ${USAGE}`);
  return { kind, file, flags };
}

async function target(flags: Flags, env: NodeJS.ProcessEnv): Promise<Gateway> {
  const { '--url': url, '--key': key } = flags;
  if (url !== undefined && key !== undefined) return { url: url.replace(/\/+$/, ''), key };
  const { settings } = await openSettings(env);
  const address = url?.replace(/\/+$/, '') ?? listeningUrl(settings.host, settings.port);
  const known = key ?? settings.adminKey;
  if (known !== undefined) return { url: address, key: known };
  const file = adminKeyFile(settings);
  try {
    return { url: address, key: readFileSync(file, 'utf8').trim() };
  } catch {
    throw new ImportTrouble(`no admin key in ${file}: set DATA_DIR as for the gateway, or give --key`);
  }
}

async function send(gateway: Gateway, path: string, query: Record<string, string | undefined>): Promise<ImportRecord> {
  const handle = await open(path).catch((error: Error) => {
    throw new ImportTrouble(error.message);
  });
  try {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    return await ask(gateway, `/v1/imports?${new URLSearchParams(given)}`, {
      method: 'POST',
      headers: { 'content-type': TYPES[extname(path).toLowerCase()] ?? 'text/csv' },
      body: handle.createReadStream({ autoClose: false }),
      duplex: 'half',
    });
  } finally {
    await handle.close();
  }
}

async function poll(gateway: Gateway, id: string): Promise<ImportRecord> {
  for (const end = performance.now() + PATIENCE_MS; ;) {
    try {
      return await ask(gateway, `/v1/imports/${id}`, {});
    } catch (error) {
      if (!(error instanceof Silent) || performance.now() > end) throw error;
      await delay(1_000);
    }
  }
}

/** The gateway gave no answer, or none that says anything of the import. */
class Silent extends ImportTrouble {}

async function ask({ url, key }: Gateway, path: string, init: object): Promise<ImportRecord> {
  const { headers, ...rest } = init as { headers?: Record<string, string> };
  const answer = await fetch(`${url}${path}`, {
    ...rest,
    headers: { ...headers, authorization: `Bearer ${key}` },
  }).catch((error: Error) => {
    throw new Silent(
      `no gateway answers at ${url}: ${String((error.cause as Error | undefined)?.message ?? error.message)}`,
    );
  });
  const body = (await answer.json().catch(() => null)) as (ImportRecord & { detail?: string }) | null;
  if (answer.ok && body) return body;
  const message = `the gateway refuses it (${answer.status}): ${body?.detail ?? answer.statusText}`;
  throw answer.status >= 500 ? new Silent(message) : new ImportTrouble(message);
}

function told(report: ImportRecord): string[] {
  const { created, updated, unchanged, rejected, errors, id } = report;
  const faults = errors
    .slice(0, SHOWN_ERRORS)
    .flatMap(({ row, errors: all }) =>
      all.map(({ column, message }) => `  row ${row}${column ? `, ${column}` : ''}: ${message}`),
    );
  return [
    `${created} created, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected (${id})`,
    ...faults,
    ...(rejected > errors.length ? [`  ... and more: GET /v1/imports/${id}/errors`] : []),
  ];
}
