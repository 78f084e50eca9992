import type { StreamEvent } from '#normalizer';
import type { RawRequest } from '#transport';
import type { LoggedRequest, Responder, Waiver } from '#transport/testing';
import type { ConnectorVerifyContext, DeliveryReceipt, HelpdeskAction, HelpdeskConnector } from '../core/connector.js';

/** One destination of the connector under test. The two samples must differ in every secret and in every address. */
export interface DestinationSample {
  readonly id: string;
  /** Settings whose `apiBase` (or what the connector calls) is `base`, the root of a fake ticket system. */
  config(base: string): Record<string, unknown>;
  /** What signs deliveries to it, newest first; empty where the connector signs nothing. */
  readonly signingSecrets: readonly string[];
}

/** Events of one lane, and what must come of them. */
export interface DeliveryCase {
  readonly name: string;
  readonly events: readonly StreamEvent[];
  /** Bodies (JSON) of the requests that hand the events over, in order. */
  readonly requests: readonly unknown[];
  /** The ticket system in this case. Default: the subject's. */
  readonly system?: Responder;
  readonly receipt?: DeliveryReceipt;
}

/** A recorded callback of the ticket system, and the actions that it is. */
export interface CallbackCase {
  readonly name: string;
  readonly request: RawRequest;
  readonly actions: readonly HelpdeskAction[];
}

/** What the conformance suite needs to know of a connector. Nothing here switches a check off; `waivers` do, with a reason. */
export interface ConnectorSubject<C = unknown> {
  readonly connector: HelpdeskConnector<C>;
  readonly destinations: readonly [DestinationSample, DestinationSample];
  /** The suite's clock, milliseconds. */
  readonly now: number;
  /** The ticket system when all is well. */
  readonly system: Responder;
  /** Is this the request that hands events over? Default: every request. */
  isDelivery?(request: LoggedRequest): boolean;
  /** Is this delivery signed with this secret? Required where the samples have signing secrets. */
  isSigned?(request: LoggedRequest, secret: string): boolean;
  readonly deliveries: readonly DeliveryCase[];
  readonly callbacks?: readonly CallbackCase[];
  /** Signs a callback, of whatever body, as the ticket system does for this destination. Required where there is a callback. */
  sign?(request: RawRequest, ctx: ConnectorVerifyContext<C>): RawRequest;
  readonly waivers?: readonly Waiver[];
}
