import type { ConnectorContext, TicketReference } from '../core/connector.js';

/** What the gateway keeps of tickets, and how it points to files and conversations. */
export function ticketBook(
  book: Map<string, TicketReference> = new Map(),
): Pick<ConnectorContext<unknown>, 'unsure' | 'reference' | 'refer' | 'fileUrl' | 'conversationUrl'> {
  return {
    unsure: false,
    async reference(id) {
      const ticket = book.get(id);
      const others = [...book].filter(([other, { ticketId }]) => other !== id && ticketId === ticket?.ticketId);
      return ticket ? { ...ticket, sharedWith: others.map(([other]) => `the person of ${other}`) } : null;
    },
    refer: async (id, ticket) => void book.set(id, ticket),
    fileUrl: (id) => `https://gateway.example/files/${id}?sig=1`,
    conversationUrl: (id) => `https://gateway.example/console/conversations/${id}`,
  };
}
