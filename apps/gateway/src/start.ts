import { createServer, Server as NetServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { listeningUrl, type Settings } from '#config';
import { newId } from '#normalizer';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { API_SERVER } from './api/core/server-options.js';
import { AppModule } from './app.module.js';
import { CompanyChanges } from './directory/company-changes.js';
import { openEngine, type Engine } from './engine.js';
import { cutSlowRequests } from './files/slow-requests.js';
import { acceptUploads } from './files/uploads.js';
import { ImportWorker } from './imports/import-worker.js';
import { Ingress } from './ingress/ingress.js';
import { Typing } from './ingress/typing.js';
import { BodyRoom, countBodies } from './ops/body-room.js';
import { Traffic } from './ops/draining.js';
import { Housekeeping } from './ops/housekeeping.js';
import { LeaseWatch } from './ops/lease-watch.js';
import { NestLog, type Blotter } from './ops/log.js';
import type { Metrics } from './ops/metrics.js';
import { LongTransactions } from './ops/long-transactions.js';
import { watchBacklog } from './ops/outbox-gauges.js';
import { Readiness } from './ops/readiness.js';
import { observeRequests, refuseUnreadable } from './ops/server-hooks.js';
import { boundConnections, HEAD_LIMITS } from './ops/server-limits.js';
import type { Kinds } from './packages/index.js';
import { Live, Probes, RelayProcess, Scheduler, type Sessions } from './relay/index.js';

/** A gateway that listens. */
export interface Gateway {
  /** The settings, with the port that was found where it was to be any. */
  readonly settings: Settings;
  readonly engine: Engine;
  readonly app: NestFastifyApplication;
  /**
   * Stops in order: `/health/ready` says no, the outbox and held accounts go to other processes while requests are still served for `stop.drainSeconds`, then
   * what is under way ends, leases and connections are given back, the database last. All of it within ten seconds: what takes longer is cut.
   */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly settings: Settings;
  readonly log: Logger;
  readonly blotter: Blotter;
  readonly kinds?: Kinds;
}

/** From the signal on; what is still under way then is cut. */
const SERVE_MS = 7_000;
/** Time for proxies to hear of it, where there are other processes to send requests to. */
const SHARED_DRAIN_S = 2;
/** Once nothing came for so long, everything that was sent has been read. */
const LINGER_MS = 300;
/** Who still connects after the drain and so long notices nothing before connections are refused. */
const NOTICE_MS = 1_000;
/** Of `SERVE_MS`, kept for saying goodbye to chat sockets. */
const FAREWELL_MS = 1_500;
const DRAIN_MS = 6_000;
/** An upload that is not complete after this is cut: time for the largest one over a slow line. `cutSlowRequests` is stricter with all others. */
const REQUEST_MS = 300_000;

/** Starts everything. Throws what `openEngine` throws, and an `Error` with the code `EADDRINUSE` where the port is taken. */
export async function startGateway(options: StartOptions): Promise<Gateway> {
  const { log, blotter } = options;
  const settings = await withPort(options.settings);
  const engine = await openEngine({ settings, log, blotter, ...(options.kinds && { kinds: options.kinds }) });
  try {
    return await serve(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function serve(engine: Engine): Promise<Gateway> {
  const { settings, log, database, directory, metrics, leases, files, traces } = engine;
  const readiness = new Readiness(database);
  const live = new Live(directory, log);
  const typing = new Typing({ database, log, deliver: (event) => live.deliver(event) });
  const bodies = new BodyRoom();
  const ingress = new Ingress({
    ...{ database, directory, leases, metrics, bodies, files, log },
    ...{ intake: engine.intake, replies: engine.replies, live: typing },
    country: settings.identity.country,
    ...{ publicUrl: settings.publicUrl, failedSignaturesPerMinute: settings.limits.failedSignaturesPerMinute },
  });
  engine.media.over(ingress.sockets);
  const relay = openRelay(engine, ingress.sockets);
  const scheduler = new Scheduler({ database, leases, due: engine.schedule, keeping: settings.retention, log });
  const workers = [
    new ImportWorker({ database, leases, log }),
    new CompanyChanges(database, log),
    new Housekeeping({ leases, files, log }),
    new LongTransactions({ database, metrics, log }),
    new Probes({ leases, directory, deliveries: engine.deliveries, log }),
  ];
  const module = AppModule.of(engine, { readiness, live: typing });
  const options = { logger: new NestLog(log), abortOnError: false };
  const app = await NestFactory.create<NestFastifyApplication>(module, httpAdapter(settings, log), options);
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  observeRequests(server, { metrics, log, https: settings.publicUrl.startsWith('https:') });
  watchBacklog(metrics, database, traces);
  const arrive = () => (database.hintsArrive() ? 1 : 0);
  metrics.gauge('tributary_hints_arrive', 'Whether hints of other processes arrive', arrive);
  boundServer(server, { bodies, metrics });
  cutSlowRequests(server);
  await acceptUploads(server);
  ingress.route(server);
  let relaying = false;
  const traffic = new Traffic(server, readiness);
  const watch = new LeaseWatch({ database, leases });
  readiness.add(() => (relaying ? null : 'the relay is not running'));
  await app.listen(settings.port, settings.host);
  leases.start();
  await relay.start();
  relaying = true;
  for (const part of [ingress, scheduler, engine.fetcher, ...workers, watch]) part.start();
  return {
    ...{ settings, engine, app },
    async close() {
      readiness.drain();
      watch.stop();
      await Promise.all([
        stopServing(app, traffic, drainMs(settings)),
        relay.drain().then(() => ingress.stop()),
        scheduler.stop(),
        engine.fetcher.stop(),
        ...workers.map((worker) => worker.stop()),
      ]);
      await leases.stop();
      await engine.close();
    },
  };
}

/** What a process takes on at once has an end, and is told to Prometheus. */
function boundServer(server: FastifyInstance, { bodies, metrics }: { bodies: BodyRoom; metrics: Metrics }): void {
  let dropped = 0;
  boundConnections(server, { dropped: () => void (dropped += 1) });
  countBodies(server, bodies);
  metrics.gauge('tributary_request_bytes', 'Bytes of request bodies in memory', () => bodies.bytes);
  metrics.gauge('tributary_connections_dropped', 'Connections refused because there are too many', () => dropped);
}

function openRelay(engine: Engine, sessions: Sessions): RelayProcess {
  const { database, leases, handOver, directory, fileUrls, metrics, log } = engine;
  return new RelayProcess({
    ...{ database, leases, handOver, directory, sessions, log },
    signUrl: (fileId) => fileUrls.sign(fileId),
    settings: { drainMs: DRAIN_MS },
    observe({ kind, targetId, outcome, durationMs, latencyMs }) {
      if (kind === 'event') metrics.delivery(targetId, outcome, durationMs / 1_000);
      else metrics.send(targetId, outcome, durationMs / 1_000);
      if (outcome === 'delivered' || outcome === 'sent') metrics.taken(kind, latencyMs / 1_000);
    },
  });
}

function drainMs({ stop, databaseUrl }: Settings): number {
  const { drainSeconds = databaseUrl === undefined ? 0 : SHARED_DRAIN_S } = stop;
  return drainSeconds * 1_000;
}

/** Serves a while longer, then ends the framework's part: what is under way gets its answer, what takes too long is cut. */
async function stopServing(app: NestFastifyApplication, traffic: Traffic, afterMs: number): Promise<void> {
  const server = app.getHttpServer();
  const cut = setTimeout(() => server.closeAllConnections(), SERVE_MS);
  if (afterMs > 0) {
    await delay(afterMs);
    // Closing the listener resets what is not accepted yet, one connection a turn; closing the server resets what is accepted and not read yet.
    await traffic.quiet(LINGER_MS, NOTICE_MS);
    NetServer.prototype.close.call(server);
    await traffic.quiet(LINGER_MS, SERVE_MS - afterMs - NOTICE_MS - FAREWELL_MS);
  }
  await app.close();
  clearTimeout(cut);
}

function httpAdapter(settings: Settings, log: Logger): FastifyAdapter {
  return new FastifyAdapter({
    ...API_SERVER,
    loggerInstance: log as never,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId('req'),
    // A logger of its own for every request costs more than all else that the framework does for it.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    bodyLimit: 1_048_576,
    requestTimeout: REQUEST_MS,
    http: HEAD_LIMITS,
    clientErrorHandler: refuseUnreadable,
    trustProxy: settings.network.trustedProxies.length > 0 ? settings.network.trustedProxies : false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
  });
}

/** Finds the port before anything else is done, so that a taken one is told at once and addresses are known from the start. */
async function withPort(settings: Settings): Promise<Settings> {
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(settings.port, settings.host, () => {
      const { port: found } = probe.address() as AddressInfo;
      probe.close(() => resolve(found));
    });
  });
  const unset = settings.publicUrl === listeningUrl(settings.host, settings.port);
  return { ...settings, port, ...(unset && { publicUrl: listeningUrl(settings.host, port) }) };
}
