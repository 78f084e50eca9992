import { Balancer } from './balancer.js';
import { Load } from './load.js';
import { setStage, type Gateway, type Stage } from '../../support/index.js';

export interface ClusterOptions {
  readonly databaseUrl: string;
  /** Environment of each process; as many processes as there are entries. */
  readonly processes?: readonly Record<string, string>[];
  readonly settings?: Record<string, unknown>;
}

/** Processes of the gateway on one database, between a provider and a helpdesk, behind a balancer. Account `app` posts, account `web` is a chat. */
export class Cluster {
  private constructor(
    readonly stage: Stage,
    readonly gateways: readonly Gateway[],
    readonly balancer: Balancer,
  ) {}

  static async start({ databaseUrl, processes = [{}, {}, {}], settings = {} }: ClusterOptions): Promise<Cluster> {
    const accounts = [{ id: 'web', type: 'webchat', config: { origins: ['*'] } }];
    const stage = await setStage({ databaseUrl, accounts, settings, env: { LOG_LEVEL: 'warn', ...processes[0] } });
    const others = await Promise.all(processes.slice(1).map((env) => stage.twin({ env })));
    const gateways = [stage.gateway, ...others];
    return new Cluster(stage, gateways, await new Balancer(gateways).start());
  }

  /** Customers who write through the balancer. */
  load(name: string): Load {
    return new Load(name, this.stage, this.balancer);
  }

  async stop(): Promise<void> {
    await this.balancer.stop();
    await Promise.all(this.gateways.map((gateway) => gateway.kill9()));
    await this.stage.close();
  }
}
