import { z } from 'zod';

/** What a key may do. `admin` is every scope; the admin key of the installation has it. */
export const SCOPES = {
  'conversations:read': 'read conversations, messages, sendability and traces',
  'conversations:write': 'answer, write first, cancel, show typing, change conversations',
  'contacts:read': 'read contacts, companies and conflicts',
  'contacts:write': 'make and change contacts, handles and companies',
  'contacts:export': 'export everything of a contact, on all channels',
  'contacts:erase': 'erase contacts for good, and read the proofs of it',
  'accounts:read': 'read connected accounts and channels',
  'accounts:write': 'connect, change, check and remove accounts',
  'destinations:read': 'read destinations and their deliveries',
  'destinations:write': 'connect, change, pause, replay and remove destinations',
  'events:read': 'pull the stream of events',
  'files:write': 'upload files',
  'keys:read': 'list API keys',
  'keys:write': 'make and revoke API keys that have no scope beyond those of this one',
  'audit:read': 'read who read or changed what, and verify that log',
  'metrics:read': 'read /metrics from another machine',
  admin: 'everything',
} as const;

export type Scope = keyof typeof SCOPES;
export const Scope = z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]]).meta({ id: 'Scope' });

/** Scopes of things that belong to an account: all that a key limited to accounts can hold. Everything else is shared by all accounts. */
export const LIMITABLE: ReadonlySet<Scope> = new Set<Scope>([
  'conversations:read',
  'conversations:write',
  'contacts:read',
  'accounts:read',
  'events:read',
  'files:write',
]);

/** Who calls: a stored key, or the admin key (`id` is `admin`). */
export interface Caller {
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** The only accounts that it may see; null: all. */
  readonly accounts: readonly string[] | null;
}

export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes('admin') || caller.scopes.includes(scope);
}

export function maySee(caller: Caller, accountId: string): boolean {
  return caller.accounts === null || caller.accounts.includes(accountId);
}
