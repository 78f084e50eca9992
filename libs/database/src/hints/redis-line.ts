import { Redis } from 'ioredis';
import { OPEN_MS, type OpenLine } from './line.js';

/**
 * Redis publish and subscribe. Redis does not keep its databases apart there, so the channel is named after the number in the address: installations that
 * share a server take different ones (`redis://host:6379/3`). https://redis.io/docs/latest/develop/pubsub/
 */
export function redisLine(url: string): OpenLine {
  return async ({ heard, lost }) => {
    const clients = [connection(url), connection(url)] as const;
    const [listening, saying] = clients;
    const channel = `tributary:hints:${listening.options.db ?? 0}`;
    const drop = (): void => clients.forEach((client) => client.disconnect());
    for (const client of clients) client.on('error', () => {}).once('end', lost);
    listening.on('message', (_channel: string, message: string) => heard(message));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      await listening.subscribe(channel);
    } catch (error) {
      drop();
      throw error;
    }
    return {
      async say(messages) {
        const results = await saying.pipeline(messages.map((message) => ['publish', channel, message])).exec();
        const failure = results?.find(([error]) => error !== null)?.[0];
        if (failure) throw failure;
      },
      drop,
    };
  };
}

/** One that does not come back by itself: the line as a whole does. */
function connection(url: string): Redis {
  return new Redis(url, {
    ...{ lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null, autoResubscribe: false },
    ...{ connectTimeout: OPEN_MS, commandTimeout: OPEN_MS, connectionName: 'tributary-hints', protocol: 2 },
  });
}
