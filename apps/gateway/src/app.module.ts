import { listeningUrl } from '#config';
import {
  AccountStore,
  Deliveries,
  DestinationStore,
  Files,
  FileUrls,
  Horizon,
  Intake,
  Leases,
  Parked,
  Replies,
  Vault,
} from '#conversations';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DemoModule } from '../../demo/src/demo.module.js';
import { ApiModule } from './api/api.module.js';
import { API_OPTIONS, type ApiOptions } from './api/options.js';
import { ChatModule } from './chat/chat.module.js';
import { LIVE_EVENTS, type ChatOptions, type LiveEvents } from './chat/chat-options.js';
import { Crm } from './crm/index.js';
import { Directory, Outlet } from './directory/index.js';
import type { Engine } from './engine.js';
import { FilesModule } from './files/files.module.js';
import { Metrics } from './ops/metrics.js';
import { MetricsAccess } from './ops/metrics-access.js';
import { OpsController } from './ops/ops.controller.js';
import { Readiness } from './ops/readiness.js';
import { ConsoleController } from './console/console.controller.js';
import { PlaygroundController } from './playground/playground.controller.js';
import { DATABASE, LOGGER, SETTINGS } from './tokens.js';
import { Verifications } from './verify/verifications.js';

/** What belongs to the running process rather than to the engine. */
export interface AppParts {
  readonly readiness: Readiness;
  readonly live: LiveEvents;
}

/** The application: the framework-free engine, provided to the modules that speak HTTP. */
@Module({})
export class AppModule {
  static of(engine: Engine, { readiness, live }: AppParts): DynamicModule {
    const providers = [
      ...values(engine),
      { provide: Readiness, useValue: readiness },
      { provide: LIVE_EVENTS, useValue: live },
    ];
    return {
      module: AppModule,
      global: true,
      imports: [api(engine), FilesModule, ChatModule.register(chatOptions(engine)), ...demo(engine)],
      controllers: [OpsController],
      providers: [...providers, MetricsAccess],
      exports: providers,
    };
  }
}

function values(engine: Engine): Provider[] {
  const { settings, adminKey } = engine;
  const api: ApiOptions = {
    adminKey,
    publicUrl: () => settings.publicUrl,
    rate: { points: settings.limits.apiRequestsPerMinute, seconds: 60 },
    eventsKeptS: settings.retention.events,
    ...(settings.identity.country && { defaultCountry: settings.identity.country }),
  };
  const byToken = [[DATABASE, engine.database], [SETTINGS, settings], [LOGGER, engine.log], [API_OPTIONS, api]] as const; // prettier-ignore
  const byClass = [
    [Vault, engine.vault], [AccountStore, engine.accounts], [DestinationStore, engine.destinations], [Directory, engine.directory],
    [Outlet, engine.outlet], [Intake, engine.intake], [Parked, engine.parked], [Replies, engine.replies], [Files, engine.files], [FileUrls, engine.fileUrls],
    [Leases, engine.leases], [Deliveries, engine.deliveries], [Horizon, engine.horizon], [Metrics, engine.metrics],
    [Verifications, engine.verifications], [Crm, engine.crm],
  ] as const; // prettier-ignore
  return [...byToken, ...byClass].map(([provide, useValue]) => ({ provide, useValue }));
}

function chatOptions({ settings, serverSecrets }: Engine): ChatOptions {
  return {
    secret: serverSecrets,
    publicUrl: () => settings.publicUrl,
    messagesPerMinute: settings.limits.visitorMessagesPerMinute,
    connectionsPerAddress: settings.limits.visitorConnectionsPerAddress,
    trustedProxies: settings.network.trustedProxies,
  };
}

/** The API, with the page that tickets link to, and the playground where the settings want it. */
function api({ settings }: Engine): DynamicModule {
  return {
    module: ApiModule,
    controllers: [ConsoleController, ...(settings.playground ? [PlaygroundController] : [])],
  };
}

/** The demo helpdesk reaches the gateway as any other: over HTTP, with a key. */
function demo({ settings, adminKey: key, log }: Engine): DynamicModule[] {
  if (!settings.demo) return [];
  const gateway = () => ({ url: listeningUrl(settings.host, settings.port), key });
  return [DemoModule.register({ gateway, publicUrl: () => settings.publicUrl, log })];
}
