import type { z } from 'zod';
import type { Health, MediaStream } from '#transport';
import type { ConnectorContext, HelpdeskConnector } from '../core/connector.js';
import type { TicketSettings } from './settings.js';

/** What a ticket system can do, as data. */
export interface TicketCapabilities {
  /** Do entries appear as the customer's own? If not, each says in its first line who wrote it. */
  readonly asCustomer: boolean;
  /** Does it show html? If not, entries have `text` alone to go by. */
  readonly html: boolean;
  /** Largest file it takes, bytes (at most 50 MiB); what is larger is linked. 0: links only. */
  readonly maxAttachmentBytes: number;
  /** Most files of one entry; those beyond are linked. Default: any number. */
  readonly maxFiles?: number;
  /** Longest entry, UTF-16 code units; what is longer comes as several. Default: 50,000. */
  readonly maxText?: number;
  /** Most events of one entry, and how long an event is held back for the next ones: for systems that count updates. Default: 1, not at all. */
  readonly batch?: number;
  readonly gatherMs?: number;
  /** Does `create` itself tell `facts`, for agents only? No note with them follows then: for systems in which another entry at once could become another ticket. */
  readonly opensWithFacts?: boolean;
  /** Is a status told in an internal note that bears it (`Entry.status`), for want of another way? `setStatus` is not asked then. */
  readonly statusAsNotes?: boolean;
}

/**
 * A ticket system as small operations, data in and data out: `ticketConnector` makes a connector of it, and decides what is done when. Each
 * operation throws `DeliveryRefused` (by `call`) or `ProviderFailure`, tries nothing again, waits for nothing, and keeps nothing between calls.
 */
export interface TicketSystem<C extends TicketSettings = TicketSettings> {
  readonly type: string;
  readonly title: string;
  readonly config: z.ZodType<C>;
  readonly capabilities: TicketCapabilities;
  /** The ticket that bears this external id, null where none does. Must find one that was made a moment ago. Absent where the system cannot be asked. */
  find?(externalId: string, ctx: ConnectorContext<C>): Promise<Ticket | null>;
  /** Makes a ticket that bears `externalId` and begins with `opening`. */
  create(ticket: NewTicket, ctx: ConnectorContext<C>): Promise<Ticket>;
  /** Adds to a ticket. Throws `TicketEnded` where the ticket takes nothing any more. */
  append(ticketId: string, entry: Entry, ctx: ConnectorContext<C>): Promise<void>;
  /**
   * Which of these ids (`Entry.ids`) the ticket's entries bear; null where there is no such ticket. Absent where the system cannot be asked: it must
   * then recognise a repeated entry by itself.
   */
  recorded?(ticketId: string, ids: readonly string[], ctx: ConnectorContext<C>): Promise<readonly string[] | null>;
  /** Makes the ticket open, pending or closed, in the words of the system; does nothing where it is that already. Throws `TicketEnded`. Required without `statusAsNotes`. */
  setStatus?(ticketId: string, status: TicketStatus, ctx: ConnectorContext<C>): Promise<void>;
  /** Fills fields of a ticket anew, by the names that the settings (`fields`) have for them; an empty value empties one. Throws `TicketEnded`. Absent where there are no fields. */
  setFields?(ticketId: string, values: Readonly<Record<string, string>>, ctx: ConnectorContext<C>): Promise<void>;
  /** What agents do, as it is told to us: own writes and internal notes are left out. See `answered` and `statusChanged`. */
  readonly callback?: HelpdeskConnector<C>['callback'];
  readonly poll?: HelpdeskConnector<C>['poll'];
  /** Opens a file of an agent's answer. Required where answers can have files. */
  openFile?(ref: string, ctx: ConnectorContext<C>): Promise<MediaStream>;
  /** Tests address, credentials, rights and every field that the settings name. Never throws. */
  check(ctx: ConnectorContext<C>): Promise<Health>;
}

export type TicketStatus = 'open' | 'pending' | 'closed';

export interface Ticket {
  readonly id: string;
  /** Where people see it. */
  readonly url?: string | null;
}

export interface NewTicket {
  /** To be kept on the ticket so that `find` finds it: the conversation's id, for a follow-up with `.` and the id of the ticket before (`conversationOf`). */
  readonly externalId: string;
  readonly conversationId: string;
  readonly subject: string;
  readonly requester: Requester;
  /** What it begins with: the customer's first message. */
  readonly opening: Entry;
  /** What is known of the conversation, for fields. Core puts all of it into an internal note besides. */
  readonly facts: readonly Fact[];
  readonly priority: 'low' | 'normal' | 'high' | 'urgent';
  readonly tags: readonly string[];
  /** Where the routing rules want it: a group, a queue, a project. */
  readonly queue: string | null;
  /** The ticket that ended and that this one goes on with. */
  readonly followUpOf?: string;
}

/** The customer. `email` and `phone` are only what a channel or a proof vouches for, never what was merely typed in. */
export interface Requester {
  /** The contact's id in the gateway. */
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly phone?: string;
  readonly company?: string;
  readonly level?: string;
}

/** Something known of the conversation. `key` is what `fields` of the settings map to a field of the system. */
export interface Fact {
  readonly key: FactKey;
  /** In the language of the settings. */
  readonly label: string;
  readonly value: string;
}
export type FactKey =
  | 'contact'
  | 'handle'
  | 'company'
  | 'level'
  | 'products'
  | 'crm'
  | 'channel'
  | 'priority'
  | 'queue'
  | 'tags'
  | 'said'
  | 'link';

/** One entry of a ticket, rendered. */
export interface Entry {
  /** What it stands for: to be kept with it, where people need not see it, so that `recorded` finds each of them. Never empty. */
  readonly ids: readonly string[];
  /** `message`: the customer's words, for everybody. `note`: for agents only; it must never reach the customer. */
  readonly kind: 'message' | 'note';
  /** Who wrote a message. Null for notes. */
  readonly author: Requester | null;
  readonly text: string;
  /** The same as safe html: text is escaped, and there is nothing but `p`, `br`, `b`, `i`, `a`, `ul`, `li`. */
  readonly html: string;
  readonly attachments: readonly Attachment[];
  /** When it was written, ISO 8601. */
  readonly at: string;
  /** What the conversation is from now on, where the note tells that. */
  readonly status?: TicketStatus;
}

export interface Attachment {
  readonly name: string;
  readonly mimeType: string;
  readonly content: Buffer;
  /** Where people can read it, for whoever finds no room for it after all. */
  readonly url: string;
}

/** The ticket takes nothing any more: `closed` for good, `gone`, or `merged` into `into`. Core goes on with another one. */
export class TicketEnded extends Error {
  override readonly name = 'TicketEnded';
  constructor(
    readonly how: 'closed' | 'gone' | 'merged',
    readonly into?: Ticket,
  ) {
    super(`the ticket is ${how}`);
  }
}

/** The conversation that an external id belongs to; null where it is none of ours. */
export function conversationOf(externalId: string): string | null {
  return /^(cnv_\w+)(\..+)?$/.exec(externalId)?.[1] ?? null;
}
