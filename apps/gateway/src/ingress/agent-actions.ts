import {
  changeConversation,
  conversationsOf,
  Conflict,
  type FileRefused,
  type Files,
  NotFound,
  park,
  type ReceivedFile,
  type RepliesPort,
  type Reply,
  undeliver,
} from '#conversations';
import { type Database, isTransient, type Sql } from '#database';
import { type AnswerFile, DeliveryRefused, type HelpdeskAction } from '#helpdesk';
import {
  cleanDeep,
  type Failure,
  InvalidInput,
  newId,
  parseWith,
  type PartInput,
  ProviderFailure,
  ReplyInput,
} from '#normalizer';
import type { Logger } from 'pino';
import type { Directory, RunningDestination } from '../directory/index.js';

export interface AgentActionParts {
  readonly database: Database;
  readonly directory: Directory;
  readonly replies: RepliesPort;
  readonly files: Pick<Files, 'receive' | 'record' | 'discard'>;
  readonly log: Logger;
}

type ReplyAction = Extract<HelpdeskAction, { kind: 'reply' }>;

/** A file of an answer as it was got: stored, or why it cannot be. */
type Got = { readonly file: ReceivedFile } | { readonly name: string; readonly failure: Failure };

const TAKE = `insert into inbox (account_id, dedupe_key, received_at) values ($1, $2, now()) on conflict do nothing returning 1`;
const TAKEN = 'select 1 from inbox where account_id = $1 and dedupe_key = $2';

const FILE_MS = 60_000;
/** After so many attempts a file that cannot be fetched is given up: what follows it must not wait for ever. */
const MOST_TRIES = 5;

/** Carries out what agents did in ticket systems, each action once. */
export class AgentActions {
  /** Attempts at the files of an answer, by its key. */
  private readonly tries = new Map<string, number>();

  constructor(private readonly parts: AgentActionParts) {}

  /**
   * In order. An answer that cannot be sent is stored as one that failed, so that the agent learns it; what cannot even be that is parked in `poison` and logged. Throws
   * `DatabaseUnavailable`, or `ProviderFailure` where a file cannot be fetched now: the same again later.
   */
  async act(destination: RunningDestination, actions: readonly HelpdeskAction[], signal?: AbortSignal): Promise<void> {
    for (const told of actions) {
      const action = cleanDeep(told);
      const files = action.kind === 'reply' && action.files ? await this.fetch(destination, { action, signal }) : [];
      await this.actOn(destination, action, files);
    }
    if (actions.length > 0) this.parts.database.hint('outbox');
  }

  private async actOn(destination: RunningDestination, action: HelpdeskAction, files: readonly Got[]): Promise<void> {
    const { database } = this.parts;
    const once = (refusal?: Error) =>
      database.transaction((sql) => this.actOnce(sql, destination, { action, files, refusal }));
    try {
      const refusal = action.kind === 'reply' ? action.refusal : undefined;
      const threadId = await once(refusal && new ProviderFailure(refusal.code, refusal.message)).catch(
        (error: unknown) => {
          if (action.kind !== 'reply' || isTransient(error) || !isRefusal(error) || error instanceof NotFound)
            throw error;
          return once(error);
        },
      );
      if (threadId) database.hint('thread', threadId);
    } catch (error) {
      for (const got of files) if ('file' in got) await this.parts.files.discard(got.file).catch(() => undefined);
      if (isTransient(error) || !isRefusal(error)) throw error;
      await this.park(destination, action, error);
    }
  }

  /** Returns the thread that has a new message, if any. `refusal`: why an answer cannot be sent. */
  private async actOnce(
    sql: Sql,
    destination: RunningDestination,
    { action, files, refusal }: { action: HelpdeskAction; files: readonly Got[]; refusal: Error | undefined },
  ): Promise<string | null> {
    const taken = await sql.query(TAKE, [source(destination), action.dedupeKey]);
    if (taken.length === 0) return null;
    const { ticketId, conversationId: named } = action;
    const found = await conversationsOf(sql, { destinationId: destination.id, ticketId, named });
    if (!found) throw new NotFound(`no conversation is known under ticket ${ticketId}`);
    const via = `destination:${destination.id}`;
    if (action.kind === 'undelivered') {
      const { code, message } = action.failure;
      const failure = new ProviderFailure(code, message).toFailure();
      await undeliver(sql, { destinationId: destination.id, eventId: action.eventId, failure });
      return null;
    }
    if (action.kind === 'status') {
      for (const id of [...found.all].sort())
        await changeConversation(sql, id, { change: { status: action.status }, accounts: null, via });
      return null;
    }
    const conversationId = found.answered;
    for (const got of files) if ('file' in got) await this.parts.files.record(sql, got.file);
    const author = {
      ...parseWith(ReplyInput.shape.author, action.reply.author ?? {}),
      kind: action.reply.author?.kind ?? 'agent',
      via,
    };
    const { replies } = this.parts;
    const input = replyOf(action, files);
    let threadId: string | null = null;
    if (input) {
      const reply: Reply = { ...parseWith(ReplyInput, input), author };
      const message = refusal
        ? await replies.refuse(sql, conversationId, { input: reply, failure: failureOf(refusal) })
        : await replies.reply(sql, conversationId, reply);
      ({ threadId } = message);
    }
    for (const got of files)
      if (!('file' in got))
        await replies.refuse(sql, conversationId, { input: { text: `[${got.name}]`, author }, failure: got.failure });
    return threadId;
  }

  /** The files of an answer, before anything is stored: nothing waits for the network in a transaction. */
  private async fetch(
    destination: RunningDestination,
    { action, signal }: { action: ReplyAction; signal: AbortSignal | undefined },
  ): Promise<Got[]> {
    const known = await this.parts.database.query(TAKEN, [source(destination), action.dedupeKey]);
    if (known.length > 0) return [];
    const got: Got[] = [];
    const key = `${destination.id} ${action.dedupeKey}`;
    try {
      for (const file of action.files ?? []) got.push(await this.fetchOne(destination, file, { key, signal }));
    } catch (error) {
      for (const one of got) if ('file' in one) await this.parts.files.discard(one.file).catch(() => undefined);
      throw error;
    }
    this.tries.delete(key);
    return got;
  }

  private async fetchOne(
    destination: RunningDestination,
    file: AnswerFile,
    { key, signal }: { key: string; signal: AbortSignal | undefined },
  ): Promise<Got> {
    const limit = AbortSignal.timeout(FILE_MS);
    const context = { signal: signal ? AbortSignal.any([signal, limit]) : limit, replay: false };
    const { connector } = destination;
    try {
      if (!connector.openFile) throw new ProviderFailure('config-invalid', 'this connector opens no files');
      const media = await connector.openFile(file.ref, this.parts.directory.connectorContext(destination, context));
      const about = { name: file.name ?? media.name, declaredType: file.mimeType ?? media.mimeType };
      return { file: await this.parts.files.receive(media.stream, about) };
    } catch (error) {
      const tries = (this.tries.get(key) ?? 0) + 1;
      this.tries.set(key, tries);
      if (!isFinal(error) && tries < MOST_TRIES) throw error;
      this.parts.log.warn({ destination: destination.id, err: error }, "a file of an agent's answer cannot be had");
      return { name: file.name ?? 'file', failure: failureOf(error as Error) };
    }
  }

  private async park(destination: RunningDestination, action: HelpdeskAction, error: Error): Promise<void> {
    const { kind, ticketId, dedupeKey } = action;
    this.parts.log.warn(
      { destination: destination.id, kind, ticketId, reason: error.message },
      'what an agent did cannot be carried out',
    );
    const input = JSON.stringify(action);
    const place = { id: newId('evt'), accountId: source(destination), dedupeKey };
    await park(this.parts.database, { ...place, stage: 'action', input, error: error.message });
  }
}

/** The answer with its files; null where none of those could be had and there was nothing else. */
function replyOf({ reply }: ReplyAction, files: readonly Got[]): Omit<ReplyInput, 'author'> | null {
  const { text, parts, author: _, ...rest } = reply;
  const media: PartInput[] = files.flatMap((got) =>
    'file' in got ? { type: 'media', kind: got.file.kind, fileId: got.file.id, name: got.file.name } : [],
  );
  if (media.length === 0)
    return text === undefined && parts === undefined
      ? null
      : { ...rest, ...(text === undefined ? { parts } : { text }) };
  const said: PartInput[] = text === undefined ? [...(parts ?? [])] : [{ type: 'text', text }];
  return { ...rest, parts: [...said, ...media] as ReplyInput['parts'] };
}

/** What an agent did is not possible: no fault of ours, and nothing that a repetition would change. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof NotFound ||
    error instanceof Conflict ||
    error instanceof ProviderFailure ||
    error instanceof InvalidInput
  );
}

/** A file that will not come at a further attempt. */
function isFinal(error: unknown): boolean {
  if (error instanceof ProviderFailure)
    return ['content-refused', 'recipient-gone', 'config-invalid'].includes(error.code);
  if (error instanceof DeliveryRefused)
    return error.status >= 400 && error.status < 500 && ![401, 408, 425, 429].includes(error.status);
  return (error as FileRefused).name === 'FileRefused';
}

function failureOf(error: Error): Failure {
  if (error instanceof ProviderFailure) return error.toFailure();
  return new ProviderFailure('content-refused', error.message).toFailure();
}

/** Under which name the actions of a destination stand in tables `inbox` and `poison`, beside those of accounts. */
function source({ id }: RunningDestination): string {
  return `destination:${id}`;
}
