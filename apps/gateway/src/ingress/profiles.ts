import type { StoredItem } from '#conversations';
import type { Database } from '#database';
import { nameContact, prove } from '#identity';
import {
  cleanText,
  FAILURES,
  type Handle,
  handleKey,
  type InboundEvent,
  normalizeHandle,
  ProviderFailure,
} from '#normalizer';
import type { Logger } from 'pino';
import type { Directory, RunningAccount } from '../directory/index.js';

export interface ProfileParts {
  readonly database: Database;
  readonly directory: Pick<Directory, 'adapterContext'>;
  readonly log: Logger;
  readonly now?: () => number;
}

interface Question {
  readonly account: RunningAccount;
  readonly handle: Handle;
  readonly contactId: string;
}

/** How long an answer, or a refusal, is taken for the last word on a person. */
const FRESH_MS = 24 * 3_600_000;
/** When a question may be asked again that found the channel or the store out of order. */
const AGAIN_MS = 60_000;
const MAX_NAME = 500;
/** Questions under way, questions that wait, people who are remembered. Who is forgotten is asked for again with the next message. */
const CAP = { running: 4, waiting: 1_000, remembered: 50_000 };

/**
 * Asks channels that can tell (`profile`) by which further handles and by what name they know who wrote, such as a unionid, and gives them to the contact. After
 * the message is stored, and beside it: nobody waits. What fails in passing is asked again with a message a minute later or more, what is refused a day later.
 * Asking twice changes nothing.
 */
export class Profiles {
  private readonly asked = new Map<string, number>();
  private readonly waiting: Question[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly stopped = new AbortController();

  constructor(private readonly parts: ProfileParts) {}

  /** Messages of an account were stored: `items` in the order of `events`. */
  stored(account: RunningAccount, events: readonly InboundEvent[], items: readonly StoredItem[]): void {
    if (!account.adapter.profile) return;
    events.forEach((event, i) => {
      const contactId = items[i]?.contactId;
      const [handle] = event.kind === 'message' && event.from === 'contact' ? event.sender.handles : [];
      if (contactId && handle && this.isNew(account, handle)) this.waiting.push({ account, handle, contactId });
    });
    this.go();
  }

  /** Aborts what is under way and waits for it. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.waiting.length = 0;
    await Promise.all(this.running);
  }

  private askAgain({ account, handle }: Question): void {
    this.asked.set(keyOf(account, handle), this.now() - FRESH_MS + AGAIN_MS);
  }

  private now(): number {
    return (this.parts.now ?? Date.now)();
  }

  private isNew(account: RunningAccount, handle: Handle): boolean {
    const now = this.now();
    const key = keyOf(account, handle);
    if ((this.asked.get(key) ?? -Infinity) > now - FRESH_MS || this.waiting.length >= CAP.waiting) return false;
    this.asked.delete(key);
    this.asked.set(key, now);
    const [oldest] = this.asked.keys();
    if (this.asked.size > CAP.remembered && oldest !== undefined) this.asked.delete(oldest);
    return true;
  }

  private go(): void {
    while (this.running.size < CAP.running && !this.stopped.signal.aborted) {
      const question = this.waiting.shift();
      if (!question) return;
      const work = this.ask(question)
        .catch((error: unknown) => {
          if (isPassing(error)) this.askAgain(question);
          if (!this.stopped.signal.aborted)
            this.parts.log.warn({ err: error, account: question.account.id }, 'who wrote could not be looked up');
        })
        .finally(() => {
          this.running.delete(work);
          this.go();
        });
      this.running.add(work);
    }
  }

  private async ask({ account, handle, contactId }: Question): Promise<void> {
    const { database, directory } = this.parts;
    const context = directory.adapterContext(account, { signal: this.stopped.signal });
    const { handles, name = '' } = await account.adapter.profile!(handle, context);
    const proof = { source: `account:${account.id}`, accountId: account.id };
    let contact = contactId;
    for (const further of handles) {
      const proven = { handle: normalizeHandle(further), ...proof };
      ({ contactId: contact } = await database.transaction((sql) => prove(sql, contact, proven)));
    }
    const shown = cleanText(name).trim().slice(0, MAX_NAME).toWellFormed();
    const named =
      shown !== '' &&
      (await database.transaction((sql) => nameContact(sql, contact, { name: shown, accountId: account.id })));
    if (handles.length === 0 && !named) return;
    database.hint('outbox');
    database.hint('events');
  }
}

function keyOf(account: RunningAccount, handle: Handle): string {
  return `${account.id} ${account.version} ${handleKey(handle)}`;
}

/** May the same question be answered at another time? */
function isPassing(error: unknown): boolean {
  return !(error instanceof ProviderFailure) || FAILURES[error.code].retryable;
}
