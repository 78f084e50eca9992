import type { ConnectorContext, TicketReference } from '../core/connector.js';

type Shared = Pick<ConnectorContext<unknown>, 'once' | 'forget' | 'remember' | 'recall'>;

/** Values that all processes share, kept in `values`. */
export function sharedValues(values: Map<string, string> = new Map()): Shared {
  return {
    async once(key, _ttlMs, make) {
      const value = values.get(key) ?? (await make());
      values.set(key, value);
      return value;
    },
    forget: async (key) => void values.delete(key),
    remember: async (key, value) => void values.set(key, value),
    recall: async (key) => values.get(key),
  };
}

/** What the gateway keeps of tickets, and how it points to files and conversations. */
export function ticketBook(
  book: Map<string, TicketReference> = new Map(),
): Pick<
  ConnectorContext<unknown>,
  'unsure' | 'reference' | 'refer' | 'ticketsOf' | 'contactOf' | 'fileUrl' | 'conversationUrl'
> &
  Shared {
  return {
    ...sharedValues(),
    unsure: false,
    async reference(id) {
      const ticket = book.get(id);
      const all = [...book].flatMap(([one, { ticketId }]) => (ticketId === ticket?.ticketId ? one : []));
      const sharedWith = all.filter((other) => other !== id).map((other) => `the person of ${other}`);
      return ticket ? { ...ticket, sharedWith, ofAnother: all[0] !== id } : null;
    },
    refer: async (id, ticket) => void book.set(id, ticket),
    ticketsOf: async () => [...book].map(([conversationId, { ticketId }]) => ({ conversationId, ticketId })),
    contactOf: async () => null,
    fileUrl: (id) => `https://gateway.example/files/${id}?sig=1`,
    conversationUrl: (id) => `https://gateway.example/console/conversations/${id}`,
  };
}
