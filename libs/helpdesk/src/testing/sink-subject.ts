import type { FailureCode, StreamEvent } from '#normalizer';
import type { Waiver } from '#transport/testing';
import type { HelpdeskConnector } from '../core/connector.js';

/** An event as a sink took it. */
export interface Taken {
  /** What keeps its order: of two events with one key the earlier comes first. */
  readonly key: string;
  /** The id by which readers and the sink tell repeats. */
  readonly id: string;
  /** Marked as the replay of an event. */
  readonly replay: boolean;
  /** Parsed from JSON. */
  readonly body: unknown;
}

/** A running system that takes the stream in a protocol of its own. */
export interface Sink {
  /** Its port on 127.0.0.1, where it really is. */
  readonly port: number;
  /** Everything that it keeps, in its order. */
  taken(): Promise<readonly Taken[]>;
  /** Goes away, and with `wipe` forgets everything. */
  stop(wipe?: boolean): Promise<void>;
  /** Comes back on the same port, after `stop`. */
  start(): Promise<void>;
  /** Ends for good, and removes what it left on the disk. */
  close(): Promise<void>;
}

/** A way in which the sink itself refuses what a good network brings to it, and what has to come of that. */
export interface Refusal {
  readonly name: string;
  readonly codes: readonly FailureCode[];
  /** Changes of the settings of the first sample. */
  readonly config?: Record<string, unknown>;
  /** Done to the sink before the delivery. */
  prepare?(sink: Sink): Promise<void>;
  /** What is delivered; one event by default. */
  readonly events?: readonly StreamEvent[];
}

/** What the suite needs to know of a connector whose system is not spoken to by HTTP. Nothing here switches a check off but `waivers`. */
export interface SinkSubject<C = unknown> {
  readonly connector: HelpdeskConnector<C>;
  /** The suite's clock, milliseconds. */
  readonly now: number;
  /** The setting that says where the system is. */
  readonly address: string;
  /** Two destinations that differ in every secret. `server` is `host:port`; a confirmation must be waited for a second at most. */
  readonly destinations: readonly [SinkSample, SinkSample];
  /** Starts an empty system. It is reached under `gatePort` of 127.0.0.1, which is what it has to say where it says where it is. */
  start(gatePort: number): Promise<Sink>;
  /** Why it cannot be started here, or undefined where it can. */
  missing?(): string | undefined;
  /** The system's own refusals: wrong credentials at least, and content that is too large where there is a limit. */
  readonly refusals: readonly Refusal[];
  /** An event that the system refuses for what is in it, where there is such a thing. */
  readonly unwelcome?: StreamEvent;
  readonly waivers?: readonly Waiver[];
}

export interface SinkSample {
  readonly id: string;
  config(server: string): Record<string, unknown>;
}
