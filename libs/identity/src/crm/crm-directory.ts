import type { Handle } from '#normalizer';
import type { Health, Http, OwnValues } from '#transport';
import type { z } from 'zod';

/** A person as the CRM knows them. What is `undefined` the CRM was not asked for, and stays as it is here; null and empty are what it says. */
export interface CrmRecord {
  /** The CRM's own id of the contact: becomes the value of the handle `crm`. */
  readonly id: string;
  /** Where an agent opens the contact in the CRM. */
  readonly url: string | null;
  readonly name?: string | undefined;
  readonly company?: CrmCompany | undefined;
  readonly products?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Their company; `id` is the CRM's, and what the company is known by here (`externalId`). */
export interface CrmCompany {
  readonly id: string;
  readonly name: string;
  readonly level?: string | null | undefined;
  readonly products?: readonly string[] | undefined;
  readonly contracts?: readonly unknown[] | undefined;
  readonly url?: string | null | undefined;
}

/** Everything that a CRM directory may touch. */
export interface CrmContext<C> extends Pick<OwnValues, 'once' | 'forget'> {
  readonly config: C;
  /** Guarded HTTP; none of it is traced, for it is all about people. */
  readonly http: Http;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Whoever knows the company's customers: a plain, stateless object, one folder each. It touches nothing but its context, retries nothing but a
 * token that has run out, and caches nothing: the gateway does.
 */
export interface CrmDirectory<C = unknown> {
  /** Folder and value of `crm.type` at once. */
  readonly type: string;
  /** Name for people. */
  readonly title: string;
  readonly config: z.ZodType<C>;
  /** Schemes of handles by which it finds people; others are not asked for. */
  schemes(config: C): readonly string[];
  /**
   * The contact who has this handle; null where there is none, and also where there are several: whom of them it is nobody here may guess.
   * Throws `ProviderFailure`.
   */
  lookup(handle: Handle, ctx: CrmContext<C>): Promise<CrmRecord | null>;
  /** "Test these credentials": asks something harmless and answers in words a person can act on. Never throws. */
  check?(ctx: CrmContext<C>): Promise<Health>;
}
