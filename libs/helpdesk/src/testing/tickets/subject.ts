import type { RawRequest } from '#transport';
import type { FakeAnswer, LoggedRequest, Waiver } from '#transport/testing';
import type { ConnectorVerifyContext, HelpdeskConnector } from '../../core/connector.js';
import type { TicketStatus } from '../../tickets/index.js';
import type { DestinationSample } from '../subject.js';

/** A ticket as people would see it in the system. */
export interface SeenTicket {
  readonly id: string;
  /** What `find` goes by. */
  readonly externalId: string;
  readonly subject: string;
  readonly status: TicketStatus;
  /** In order; the first one is what the ticket began with. */
  readonly entries: readonly SeenEntry[];
  /** Fields that were set, by the system's own names. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface SeenEntry {
  /** As it is stored. */
  readonly text: string;
  readonly isHtml: boolean;
  /** Does the customer get to see it, or would, on the system's own page? */
  readonly isPublic: boolean;
  /** As whom it appears. `us`: as the user of our credentials. */
  readonly by: 'customer' | 'us' | 'agent';
  readonly files: readonly { readonly name: string; readonly content: Buffer }[];
}

/** What an agent writes in the system. */
export interface Writing {
  readonly text: string;
  readonly author: string;
  /** They use the account of the gateway, as where there is only one. */
  readonly asUs?: boolean;
  readonly files?: readonly { readonly name: string; readonly mimeType: string; readonly content: Buffer }[];
}

/**
 * A fake of the ticket system, with state: the shapes, limits and refusals that the real one documents, 401 for wrong credentials before anything else. What people do
 * in it returns the request, not yet signed, with which the system calls back, or null where it calls nothing.
 */
export interface FakeTicketSystem {
  respond(request: LoggedRequest): FakeAnswer;
  /** Does this request make or change a ticket? The suite cuts such requests off, before and after they take effect. */
  isWrite(request: LoggedRequest): boolean;
  tickets(): readonly SeenTicket[];
  answer(ticketId: string, writing: Writing): RawRequest | null;
  note(ticketId: string, writing: Writing): RawRequest | null;
  setStatus(ticketId: string, status: TicketStatus): RawRequest | null;
  /** Ends the ticket so that it takes nothing more, as far as the system knows such a thing. */
  close?(ticketId: string): void;
  remove(ticketId: string): void;
  /** Makes one ticket of two. */
  merge?(ticketId: string, into: string): void;
  /** How it would call back for what was written with our own credentials, where it would; the suite takes in each of these as well. */
  ownCallbacks?(): readonly RawRequest[];
}

/** What the conformance suite needs to know of a connector to a ticket system. Nothing here switches a check off; `waivers` do, with a reason. */
export interface TicketSubject<C = unknown> {
  readonly connector: HelpdeskConnector<C>;
  /** The two must differ in every secret. Their settings map `company` and `link` to fields that the fake has, where the system has fields. */
  readonly destinations: readonly [DestinationSample, DestinationSample];
  /** The suite's clock, milliseconds. */
  readonly now: number;
  /** A new, empty system that takes the credentials of one of the destinations. */
  system(which: 0 | 1): FakeTicketSystem;
  /** Signs a callback, of whatever body, as the system does for this destination. Required where there is a callback. */
  sign?(request: RawRequest, ctx: ConnectorVerifyContext<C>): RawRequest;
  /** The names of the fields that `company` and `link` are mapped to; absent where the system has no fields. */
  readonly fields?: { readonly company: string; readonly link: string };
  /** Why what people write with the account of the gateway cannot be told from what the gateway writes, so that it goes to nobody. The README has to say so. */
  readonly ownAccount?: string;
  /** The setting that says where the system is. Default: `apiBase`. */
  readonly address?: string;
  /** Serves the fake where the system speaks another protocol than HTTP: it asks `fate` at each write, before that takes effect. */
  serve?(system: FakeTicketSystem, fate: () => Fate): Promise<{ readonly base: string; close(): Promise<void> }>;
  readonly waivers?: readonly Waiver[];
}

/** What becomes of a write: it is answered; the connection is cut before it takes effect; or after that, so that no answer comes. */
export type Fate = 'pass' | 'before' | 'after';
