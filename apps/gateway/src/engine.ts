import { join } from 'node:path';
import type { Settings } from '#config';
import {
  AccountStore,
  asksForLanguage,
  Deliveries,
  DestinationStore,
  Fetcher,
  Files,
  FileUrls,
  HandOver,
  Horizon,
  Intake,
  keyFile,
  Leases,
  type Left,
  Parked,
  Replies,
  Schedule,
  STORE_ENTITIES,
  Vault,
  writePolicy,
  writeRouting,
} from '#conversations';
import { openDatabase, type Database } from '#database';
import { CODE_LIMITS, Codes, IDENTITY_ENTITIES } from '#identity';
import { languageDetector } from '#normalizer';
import { addressGuard, guardedDial, guardedHttp } from '#transport';
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { Crm } from './crm/index.js';
import { Directory, Outlet, ProviderMedia, SharedValues, TraceWriter } from './directory/index.js';
import { openFileStore } from './files/open-store.js';
import { MIGRATIONS } from './migrations.js';
import type { Blotter } from './ops/log.js';
import { Metrics } from './ops/metrics.js';
import { BUILTIN, schemasOf, type Kinds } from './packages/index.js';
import { Verifications } from './verify/verifications.js';

/** Everything of the process that needs no framework, made and wired once. */
export type Engine = Awaited<ReturnType<typeof openEngine>>;

export interface EngineOptions {
  readonly settings: Settings;
  readonly log: Logger;
  readonly blotter: Blotter;
  /** Channels and ticket systems that there are. Default: the built-in ones. */
  readonly kinds?: Kinds;
}

const ADMIN_KEY = 'admin.key';

/** Settings schemas of what is built in, by type. */
export const configSchemas = schemasOf(BUILTIN);

/**
 * Opens the database, checks the secret key, takes over accounts and destinations of the settings file. Throws `DataFolderBusy`, `DatabaseUnavailable`,
 * `WrongSecretKey`; nothing is left open then.
 */
export async function openEngine(options: EngineOptions) {
  const { settings, log } = options;
  const database = await openDatabase({
    ...(settings.databaseUrl === undefined ? { dataDir: settings.dataDir } : { url: settings.databaseUrl }),
    ...(settings.redisUrl === undefined ? {} : { redisUrl: settings.redisUrl }),
    sync: settings.database.sync,
    entities: [...IDENTITY_ENTITIES, ...STORE_ENTITIES],
    migrations: MIGRATIONS,
    log: (message) => log.info(message),
  });
  try {
    return await assemble(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function assemble(database: Database, options: EngineOptions) {
  const { settings, log, kinds = BUILTIN } = options;
  const keys = openKeys(settings);
  const vault = new Vault(keys.secretKey, settings.previousSecretKey);
  await vault.check(database);
  const stores = await openStores({ database, vault, kinds }, settings);
  await writePolicy(database, 'identity', { merge: settings.identity.merge });
  await writeRouting(database, settings.routing);
  const metrics = new Metrics();
  const leases = new Leases(database);
  const traces = new TraceWriter(database);
  const serverSecrets = [
    keys.secretKey,
    ...(settings.previousSecretKey === undefined ? [] : [settings.previousSecretKey]),
  ];
  const fileUrls = new FileUrls(serverSecrets, settings.publicUrl);
  const store = openFileStore(settings.files, settings.dataDir);
  const files = new Files({ database, store, urls: fileUrls, maxBytes: settings.files.maxBytes });
  const shared = new SharedValues({ database, vault, leases });
  if (settings.previousSecretKey !== undefined) await shared.renewSecrets();
  const clients = openClients(settings);
  const directory = new Directory({
    ...{ database, ...stores, ...clients, ...kinds, traces, files, fileUrls, shared, log },
    publicUrl: settings.publicUrl,
  });
  const crm = Crm.open({ settings: settings.crm, database, http: clients.http, shared, metrics, log });
  const fixed = [...Object.values(keys), ...(crm?.secrets ?? [])];
  keepSecretsOut(options.blotter, { directory, fixed, settings });
  await directory.start();
  const outlet = new Outlet(directory, fileUrls);
  const media = new ProviderMedia(directory, files.maxBytes);
  const handOver = new HandOver();
  const intake = await openIntake(options, { database, metrics, directory, handOver });
  return {
    ...{ settings, log, database, vault, ...stores, metrics, leases, traces, files, fileUrls, directory, outlet },
    adminKey: keys.adminKey,
    /** What other keys of the server are derived from, the present one first: the same in every process. */
    serverSecrets,
    intake: crm ? crm.before(intake) : intake,
    crm,
    handOver,
    parked: new Parked(database, intake),
    replies: new Replies(database, outlet),
    schedule: new Schedule(database, outlet),
    media,
    fetcher: new Fetcher({ database, files, source: media, log }),
    verifications: new Verifications({
      ...{ directory, channels: outlet, settings: { ...settings.identity.codes, country: settings.identity.country } },
      codes: new Codes(serverSecrets, { ...CODE_LIMITS, everybody: settings.identity.codes.perHour }),
    }),
    deliveries: new Deliveries(database),
    horizon: new Horizon(database),
    /** Stops what `openEngine` started; the database last. */
    async close(): Promise<void> {
      crm?.stop();
      await directory.stop();
      await traces.flush();
      await Promise.all([clients.http.close(), clients.deliveryHttp.close()]);
      await database.close();
    },
  };
}

interface IntakeParts {
  readonly database: Database;
  readonly metrics: Metrics;
  readonly directory: Directory;
  readonly handOver: HandOver;
}

async function openIntake({ settings, log }: EngineOptions, parts: IntakeParts): Promise<Intake> {
  const { database, metrics, directory, handOver } = parts;
  const onPoison = (account: string, _key: string, error: Error) => {
    metrics.intakeEvent(directory.account(account)?.type ?? 'none', 'poison');
    log.error({ account, err: error }, 'the store refuses an event; it was parked');
  };
  const languageOf = asksForLanguage(settings.routing) ? await languageDetector() : undefined;
  const onStored = (_stored: unknown, left: Left) => announce(database, left);
  return new Intake(database, { onPoison, handOver, languageOf, onStored });
}

/** Something came in: those who pull, and where something is left for them the relay and the fetcher of attachments, need not wait for their next look. */
function announce(database: Database, { files, entries }: Left): void {
  database.hint('events');
  if (entries) database.hint('outbox');
  if (files) database.hint('files');
}

/** The keys of the installation: given, or made on first start. */
function openKeys(settings: Settings) {
  const file = (name: string, prefix: string, encoding: 'base64' | 'base64url') =>
    keyFile(join(settings.dataDir, name), () => prefix + randomBytes(32).toString(encoding));
  return {
    secretKey: settings.secretKey ?? file('secret.key', '', 'base64'),
    adminKey: settings.adminKey ?? file(ADMIN_KEY, 'trb_', 'base64url'),
  };
}

/** For adapters, and for connectors, which send many small signed requests. */
function openClients({ network: { allow } }: Settings) {
  return {
    http: guardedHttp({ allow }),
    deliveryHttp: guardedHttp({ allow, engine: 'undici' }),
    dial: guardedDial(addressGuard(allow)),
  };
}

/** Every secret that is known, now and later, is kept out of the log. */
function keepSecretsOut(
  blotter: Blotter,
  { directory, fixed, settings }: { directory: Directory; fixed: readonly string[]; settings: Settings },
): void {
  const passwords = [settings.databaseUrl, settings.redisUrl].map(passwordOf);
  const always = [...fixed, settings.previousSecretKey ?? '', ...passwords];
  const known = () => [...directory.accounts(), ...directory.destinations()].flatMap(({ secrets }) => secrets);
  blotter.know(always);
  directory.onChange(() => blotter.know([...always, ...known()]));
}

/** Where the admin key is kept when the environment does not give one. */
export function adminKeyFile({ dataDir }: Pick<Settings, 'dataDir'>): string {
  return join(dataDir, ADMIN_KEY);
}

async function openStores(
  { database, vault, kinds: { adapters, connectors } }: { database: Database; vault: Vault; kinds: Kinds },
  settings: Settings,
) {
  const kinds = new Map(
    adapters.map(({ type, config, continuity, ingress }) => [
      type,
      { config, continuity, hosted: ingress.hosted === true },
    ]),
  );
  const accounts = new AccountStore({ database, vault, kind: (type) => kinds.get(type) });
  const destinations = new DestinationStore({
    database,
    vault,
    schema: (type) => connectors.find((c) => c.type === type)?.config,
  });
  if (settings.previousSecretKey !== undefined) {
    await accounts.renewSecrets();
    await destinations.renewSecrets();
  }
  await accounts.importFromFile(
    settings.accounts.map(({ reopenWithin, ...account }) => ({ ...account, reopenWithinS: reopenWithin })),
  );
  await destinations.importFromFile(settings.destinations);
  return { accounts, destinations };
}

function passwordOf(url: string | undefined): string {
  return url && URL.canParse(url) ? decodeURIComponent(new URL(url).password) : '';
}
