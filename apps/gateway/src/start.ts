import { createServer, type AddressInfo } from 'node:net';
import { listeningUrl, type Settings } from '#config';
import { newId } from '#normalizer';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { openEngine, type Engine } from './engine.js';
import { Ingress } from './ingress/ingress.js';
import { Housekeeping } from './ops/housekeeping.js';
import { NestLog, type Blotter } from './ops/log.js';
import { watchBacklog } from './ops/outbox-gauges.js';
import { Readiness } from './ops/readiness.js';
import { observeRequests } from './ops/server-hooks.js';

/** A gateway that listens. */
export interface Gateway {
  /** The settings, with the port that was found where it was to be any. */
  readonly settings: Settings;
  readonly engine: Engine;
  readonly app: NestFastifyApplication;
  /**
   * Stops in order: no new work, what is under way ends, leases and connections are given back, the database last. Within `graceMs` for requests that
   * are under way; then their connections are cut.
   */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly settings: Settings;
  readonly log: Logger;
  readonly blotter: Blotter;
}

const GRACE_MS = 5_000;

/** Starts everything. Throws what `openEngine` throws, and an `Error` with the code `EADDRINUSE` where the port is taken. */
export async function startGateway(options: StartOptions): Promise<Gateway> {
  const { log, blotter } = options;
  const settings = await withPort(options.settings);
  const engine = await openEngine({ settings, log, blotter });
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
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.of(engine, readiness),
    httpAdapter(settings, log),
    {
      logger: new NestLog(log),
      abortOnError: false,
    },
  );
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  observeRequests(server, { metrics, log, https: settings.publicUrl.startsWith('https:') });
  watchBacklog(metrics, database, traces);
  const ingress = new Ingress({
    ...{ database, directory, leases, metrics, log },
    ...{ intake: engine.intake, replies: engine.replies, live: { typing: () => undefined } },
    ...{ publicUrl: settings.publicUrl, failedSignaturesPerMinute: settings.limits.failedSignaturesPerMinute },
  });
  ingress.route(server);
  const housekeeping = new Housekeeping({ database, leases, files, retention: settings.retention, log });
  await app.listen(settings.port, settings.host);
  leases.start();
  ingress.start();
  engine.fetcher.start();
  housekeeping.start();
  return {
    settings,
    engine,
    app,
    async close() {
      readiness.drain();
      await Promise.all([stopServing(app), ingress.stop(), engine.fetcher.stop(), housekeeping.stop()]);
      await leases.stop();
      await engine.close();
    },
  };
}

/** Ends the framework's part: what is under way gets its answer, what takes too long is cut. */
async function stopServing(app: NestFastifyApplication): Promise<void> {
  const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), GRACE_MS);
  await app.close();
  clearTimeout(cut);
}

function httpAdapter(settings: Settings, log: Logger): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: log as never,
    disableRequestLogging: true,
    genReqId: () => newId('req'),
    bodyLimit: 1_048_576,
    trustProxy: settings.network.trustedProxies.length > 0 ? settings.network.trustedProxies : false,
    forceCloseConnections: 'idle',
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
