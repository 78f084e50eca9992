import type { ChatMessage, Limits, Part, Prechat, ServerFrame, Welcome } from './wire.js';

/** `idle`: nobody has needed the gateway yet. `refused`: it does not serve this page, and trying again is in vain. */
export type Phase = 'idle' | 'connecting' | 'live' | 'offline' | 'refused';

/** A file that waits for its upload; `preview` is an object URL for pictures. */
export interface PendingFile {
  file: File;
  preview: string | null;
}

/** Why something was refused: what programs know it by, and the gateway's own words, which are English. Either may be empty. */
export interface Problem {
  code: string;
  detail: string;
}

/** A message of the visitor that the gateway has not accepted yet. */
export interface Outgoing {
  clientId: string;
  parts: Part[];
  files: PendingFile[];
  at: number;
  state: 'queued' | 'uploading' | 'sending' | 'failed';
  /** Share of the files that is uploaded, 0 to 1. */
  progress: number;
  /** Written on an earlier page or in another tab. */
  inherited?: boolean;
  problem?: Problem;
}

/** The form before the first message, as long as it stands before it. */
export interface Form extends Prechat {
  /** Of the address that a code is asked for; null while the fields are. */
  scheme: 'phone' | 'email' | null;
  /** What came of the last thing that was sent. */
  said: Extract<ServerFrame, { type: 'code' }>['state'] | null;
}

export interface ChatState {
  phase: Phase;
  /** True once everything that the gateway holds has arrived. */
  caughtUp: boolean;
  /** A token was given whose answer is awaited: what is held may be another person's. */
  identifying: boolean;
  /** An earlier visit is known, so history is to be expected. */
  returning: boolean;
  /** Ascending by `seq`, each `seq` once. */
  messages: readonly ChatMessage[];
  outgoing: readonly Outgoing[];
  /** Older messages exist at the gateway that were not asked for. */
  earlier: boolean;
  readUpTo: number;
  /** What the gateway said is unread, until the messages themselves are here. */
  unreadHint: number;
  typing: { name: string | null } | null;
  user: Welcome['user'];
  limits: Limits | null;
  /** What the account's settings say to visitors; the page's own words go first. */
  title: string | null;
  greeting: string | null;
  form: Form | null;
}

export const EMPTY: ChatState = {
  phase: 'idle',
  caughtUp: false,
  identifying: false,
  returning: false,
  messages: [],
  outgoing: [],
  earlier: false,
  readUpTo: 0,
  unreadHint: 0,
  typing: null,
  user: null,
  limits: null,
  title: null,
  greeting: null,
  form: null,
};

/** A value that can be watched. */
export class Store<T extends object> {
  private readonly watchers = new Set<(state: T) => void>();

  constructor(private current: T) {}

  get state(): T {
    return this.current;
  }

  update(patch: Partial<T>): void {
    this.current = { ...this.current, ...patch };
    for (const watcher of [...this.watchers]) watcher(this.current);
  }

  /** Calls `watcher` after each update; what it returns ends that. */
  watch(watcher: (state: T) => void): () => void {
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }
}

const RANK = { sent: 0, delivered: 1, failed: 2, read: 3 } as const;

/** Status only rises: `sent < delivered < failed < read`. */
export function higherStatus(a: ChatMessage['status'], b: ChatMessage['status']): ChatMessage['status'] {
  return RANK[a] >= RANK[b] ? a : b;
}

/** The list with `message` at its place; one that is there already is replaced, and its status never falls. */
export function withMessage(messages: readonly ChatMessage[], message: ChatMessage): ChatMessage[] {
  let at = messages.length;
  while (at > 0 && messages[at - 1]!.seq > message.seq) at--;
  const held = messages[at - 1];
  if (held?.seq !== message.seq) return [...messages.slice(0, at), message, ...messages.slice(at)];
  const clientId = message.clientId ?? held.clientId;
  const status = higherStatus(held.status, message.status);
  return [...messages.slice(0, at - 1), { ...message, clientId, status }, ...messages.slice(at)];
}

/** The list with the status of the message `seq` raised to `status`. */
export function withStatus(
  messages: readonly ChatMessage[],
  seq: number,
  status: ChatMessage['status'],
): readonly ChatMessage[] {
  const held = messages.find((m) => m.seq === seq);
  if (!held || higherStatus(held.status, status) === held.status) return messages;
  return messages.map((m) => (m === held ? { ...held, status } : m));
}

/** Messages of others that nobody has seen yet. */
export function unreadCount({ messages, readUpTo, caughtUp, unreadHint }: ChatState): number {
  if (!caughtUp && messages.length === 0) return unreadHint;
  return messages.filter((m) => m.from !== 'me' && m.seq > readUpTo).length;
}

/** Highest `seq` held; 0 for none. */
export function highest(messages: readonly ChatMessage[]): number {
  return messages[messages.length - 1]?.seq ?? 0;
}
