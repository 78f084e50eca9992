import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LocalFileStore, S3FileStore, Vault, WrongSecretKey, keyFile, type FileStore } from '#conversations';
import { SettingsError, type Settings } from '#config';
import { DatabaseUnavailable, DataFolderBusy, NotEmpty, openDatabase, type DatabasePlace } from '#database';
import { openSettings, PackageProblem } from '../packages/index.js';
import { MIGRATIONS } from '../migrations.js';
import { Unusable } from './archive.js';
import { backUp } from './backup.js';
import type { Manifest } from './manifest.js';
import { keepingOwner } from './owner.js';
import { restore } from './restore.js';

/** What a command line says, and where it is said. */
export interface Command {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const KEY_FLAG = '--with-secret-key';

/** The command line is wrong. */
class Usage extends Error {}

/** `npm run backup -- <file or folder> [--with-secret-key]` */
export async function backupCommand({ words, env, say }: Command): Promise<void> {
  const [target] = argument(words, `npm run backup -- <file or folder> [${KEY_FLAG}]`, [KEY_FLAG]);
  const { settings } = await openSettings(env);
  const database = placeOf(settings);
  if ('dataDir' in database) await mustHold(database.dataDir);
  const store = storeOf(settings);
  const withKey = words.includes(KEY_FLAG);
  const { path, bytes, manifest } = await backUp({
    ...{ database, target: resolve(callerFolder(env), target), version: await version() },
    files: store instanceof LocalFileStore ? store : 's3',
    secretKey: withKey ? await secretKeyOf(settings) : undefined,
  });
  const { count, store: kind } = manifest.files;
  say(`${path}: ${bytes} bytes, ${manifest.tables.reduce((sum, { rows }) => sum + rows, 0)} rows, ${count} files`);
  if (kind === 's3') say('Attachments are in S3 and stay there: they are not in this backup.');
  for (const line of lacking(manifest)) say(line);
  say(
    withKey
      ? 'The secret key is in it: whoever has this file can read every stored credential.'
      : `The secret key is NOT in it. Without the key (TRIBUTARY_SECRET_KEY, or ${join(settings.dataDir, 'secret.key')}) stored credentials cannot be read: keep it elsewhere.`,
  );
  say('Neither are the settings file and the admin key.');
}

/** `npm run restore -- <file>` */
export async function restoreCommand({ words, env, say }: Command): Promise<void> {
  const [archive] = argument(words, 'npm run restore -- <file>', []);
  const { settings } = await openSettings(env);
  const folders = [
    settings.dataDir,
    ...(settings.files.store === 'dir' && settings.files.dir ? [settings.files.dir] : []),
  ];
  const giveBack = await Promise.all(folders.map(keepingOwner));
  try {
    await restoreInto(settings, resolve(callerFolder(env), archive), say);
  } finally {
    for (const give of giveBack) await give();
  }
}

async function restoreInto(settings: Settings, archive: string, say: Command['say']): Promise<void> {
  const database = placeOf(settings);
  const { manifest, secretKey } = await restore({
    ...{ archive, database, migrations: MIGRATIONS, files: storeOf(settings) },
  });
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  say(`restored ${rows} rows and ${manifest.files.count} files as they were at ${manifest.startedAt}`);
  if (manifest.files.store === 's3')
    say('Attachments were in S3 and are expected there: `files` must name that bucket.');
  for (const line of lacking(manifest)) say(line);
  say(await checkKey(settings, secretKey));
  say(
    'The next start goes on where the backup stopped: what was waiting then is delivered now, again if it was since.',
  );
}

async function mustHold(dataDir: string): Promise<void> {
  await stat(join(dataDir, 'postgres')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Usage(`there is no database in ${dataDir}: set DATA_DIR or DATABASE_URL as for the gateway`);
  });
}

/** What the backup could not have of the attachments; all their keys are in the manifest. */
function lacking({ files: { missing, damaged } }: Manifest): string[] {
  const lines: string[] = [];
  if (missing.length > 0)
    lines.push(
      `${missing.length} attachments were gone when they were to be copied and are not in it, the first: ${missing[0]}`,
    );
  if (damaged.length > 0)
    lines.push(
      `${damaged.length} attachments were damaged on the disk (empty, cut off or changed) and are not restored, the first: ${damaged[0]}`,
    );
  return lines;
}

/** The key that is at hand, or comes with the archive, must read what was restored. */
async function checkKey(settings: Settings, restored: string | undefined): Promise<string> {
  const file = join(settings.dataDir, 'secret.key');
  const given = settings.secretKey ?? (existsSync(file) ? await secretKeyOf(settings) : undefined);
  const key = given ?? (restored === undefined ? undefined : keyFile(file, () => restored));
  const advice = `Before the next start, put the key of the backed-up installation into TRIBUTARY_SECRET_KEY or ${file}`;
  if (key === undefined) return `The secret key is missing. ${advice}; without it stored credentials cannot be read.`;
  const database = await openDatabase({ ...placeOf(settings), entities: [], migrations: MIGRATIONS });
  try {
    await new Vault(key, settings.previousSecretKey).check(database);
    return given === undefined ? `The secret key of the backup is now in ${file}.` : 'The secret key fits.';
  } catch (error) {
    if (error instanceof WrongSecretKey) return `The secret key at hand is another one. ${advice}.`;
    throw error;
  } finally {
    await database.close();
  }
}

function argument(words: readonly string[], usage: string, flags: readonly string[]): [string] {
  const names = words.filter((word) => !word.startsWith('--'));
  const unknown = words.find((word) => word.startsWith('--') && !flags.includes(word));
  if (names.length !== 1 || unknown !== undefined) throw new Usage(`usage: ${usage}`);
  return [names[0]!];
}

function placeOf({ databaseUrl, dataDir }: Settings): DatabasePlace {
  return databaseUrl === undefined ? { dataDir } : { url: databaseUrl };
}

function storeOf({ files, dataDir }: Settings): FileStore {
  return files.store === 's3'
    ? new S3FileStore(files, join(dataDir, 'incoming'))
    : new LocalFileStore(files.dir ?? join(dataDir, 'files'));
}

async function secretKeyOf({ secretKey, dataDir }: Settings): Promise<string> {
  return secretKey ?? (await readFile(join(dataDir, 'secret.key'), 'utf8')).trim();
}

/** npm runs scripts in the folder of the package; paths are meant from where it was called. */
function callerFolder(env: NodeJS.ProcessEnv): string {
  return env['INIT_CWD'] ?? process.cwd();
}

async function version(): Promise<string> {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
    if (folder === dirname(folder)) return 'unknown';
  }
}

/** What a person can put right is told in words alone; everything else with its stack. */
export function explain(error: unknown): string {
  const known = [Usage, SettingsError, PackageProblem, Unusable, NotEmpty, DataFolderBusy, DatabaseUnavailable];
  if (known.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM')
    return `${message}: run this as root, or as the user that the gateway runs as`;
  return code !== undefined && /^E[A-Z]+$/.test(code) ? message : (stack ?? String(error));
}
