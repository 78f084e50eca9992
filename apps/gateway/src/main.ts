#!/usr/bin/env node
import 'reflect-metadata';
import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SettingsError, type Settings } from '#config';
import { WrongSecretKey } from '#conversations';
import { DatabaseUnavailable, DataFolderBusy } from '#database';
import { adminKeyFile } from './engine.js';
import { Blotter, openLog } from './ops/log.js';
import { openSettings, PackageProblem } from './packages/index.js';
import { startGateway, type Gateway, type StartOptions } from './start.js';

/** So long a database that cannot be reached is waited for, as where both are started together. */
const DATABASE_MS = 30_000;
/** A stop that takes longer is ended, whatever it waits for. */
const STOP_MS = 9_500;

async function main(): Promise<void> {
  const { settings, kinds } = await openSettings(process.env);
  const blotter = new Blotter();
  const log = openLog(settings.logLevel, blotter);
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was rejected and nobody listened'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error was caught nowhere: the process cannot go on');
    process.exit(1);
  });
  const gateway = await startPatiently({ settings, log, blotter, kinds });
  greet(gateway);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));

  let stopping = false;
  function stop(signal: string): void {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('the stop took too long and is cut short');
      process.exit(1);
    }, STOP_MS).unref();
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the stop went wrong');
        process.exit(1);
      },
    );
  }
}

async function startPatiently(options: StartOptions): Promise<Gateway> {
  for (const end = performance.now() + DATABASE_MS; ;) {
    try {
      return await startGateway(options);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() > end) throw error;
      options.log.warn({ err: error }, 'the database is not there yet: trying again');
      await delay(1_000);
    }
  }
}

function greet({ settings }: Gateway): void {
  const { publicUrl } = settings;
  const rows = [
    ...(settings.demo ? [['Demo page', `${publicUrl}/demo`]] : []),
    ['API docs', `${publicUrl}/docs`],
    ['Admin key', settings.adminKey === undefined ? shown(adminKeyFile(settings)) : 'the one in TRIBUTARY_ADMIN_KEY'],
    [
      'Database',
      settings.databaseUrl === undefined ? `embedded, in ${shown(settings.dataDir)}` : 'PostgreSQL, by DATABASE_URL',
    ],
    ['Settings', shown(settings.file)],
  ];
  const lines = rows.map(([name, value]) => `  ${name!.padEnd(11)}${value}`);
  process.stdout.write(`\nTributary listens on ${listening(settings)}\n\n${lines.join('\n')}\n\n`);
}

function listening({ host, port }: Settings): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** What a person can put right is told in words alone; everything else with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (
    error instanceof SettingsError ||
    error instanceof PackageProblem ||
    error instanceof DataFolderBusy ||
    error instanceof WrongSecretKey
  )
    return error.message;
  if (error instanceof DatabaseUnavailable) return `${error.message}\nCheck DATABASE_URL, and that the server runs.`;
  if (code === 'EADDRINUSE') return `port ${port} is in use by another process; stop it, or set PORT to another one`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOSPC' || code === 'EROFS') return error.message;
  return error.stack ?? error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`\nTributary cannot start: ${explain(error)}\n\n`);
  process.exit(1);
});
