import type { FastifyInstance } from 'fastify';

/** Connections of one process, chat sockets among them: ten thousand visitors and as many requests as the database takes. More are closed at once. */
const MOST_CONNECTIONS = 16_384;

/** The head of a request is complete within this, also the first of a connection; looked after every some seconds. */
export const HEAD_LIMITS = { headersTimeout: 15_000, connectionsCheckingInterval: 5_000 } as const;

/** Bounds how many connections this process holds. `dropped` hears of each that is refused. */
export function boundConnections(
  { server }: Pick<FastifyInstance, 'server'>,
  { most = MOST_CONNECTIONS, dropped }: { readonly most?: number; readonly dropped: () => void },
): void {
  server.maxConnections = most;
  server.on('drop', dropped);
}
