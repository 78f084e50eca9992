import { Intake, type ArrivingEvent, type IntakePort, type StoredItem } from '#conversations';
import type { Database } from '#database';
import type { CrmRecord } from '#identity';
import { handleKey, type Handle, type InboundMessage, type StreamEvent } from '#normalizer';
import { pino } from 'pino';
import { until } from '../../../../../test/support/until.js';
import { CrmIntake } from '../crm-intake.js';
import { Lookups } from '../lookups.js';
import { Senders } from '../senders.js';

interface DeskOptions {
  readonly budgetMs?: number;
  readonly link?: 'channel' | 'verified';
  readonly schemes?: readonly string[];
}

let messages = 0;

/** Intake with a CRM that answers when it is told to. */
export class Desk {
  readonly asked: string[] = [];
  /** What the store was handed, in order. */
  readonly handed: ArrivingEvent[] = [];
  readonly lookups: Lookups;
  readonly intake: CrmIntake;
  readonly senders: Senders;
  /** Fails what the store is handed. */
  refuse: Error | undefined;
  private readonly waiting = new Map<
    string,
    { resolve: (record: CrmRecord | null) => void; reject: (error: Error) => void }
  >();
  private readonly told = new Map<string, CrmRecord | null | Error>();

  constructor(
    readonly database: Database,
    { budgetMs = 60_000, link = 'verified', schemes = ['phone', 'email'] }: DeskOptions = {},
  ) {
    const log = pino({ level: 'silent' });
    const store = new Intake(database);
    const inner: IntakePort = {
      accept: (accountId, events, cursor) => {
        this.handed.push(...events);
        return this.refuse ? Promise.reject(this.refuse) : store.accept(accountId, events, cursor);
      },
    };
    this.lookups = new Lookups({
      ttlMs: 600_000,
      absentMs: 600_000,
      staleMs: 600_000,
      timeoutMs: 60_000,
      ask: (handle) => this.ask(handle),
    });
    this.senders = new Senders({ database, lookups: this.lookups, schemes, link, log });
    this.intake = new CrmIntake({
      intake: inner,
      senders: this.senders,
      hopeful: () => this.lookups.hopeful,
      budgetMs,
      log,
    });
  }

  /** The CRM says this of a handle, from now on and to whoever asked already. */
  say(handle: Handle, answer: CrmRecord | null | Error): void {
    const key = handleKey(handle);
    this.told.set(key, answer);
    const waiting = this.waiting.get(key);
    this.waiting.delete(key);
    if (answer instanceof Error) waiting?.reject(answer);
    else waiting?.resolve(answer);
  }

  /** A person writes. */
  async write(handles: readonly Handle[], text = 'hello', more: Partial<InboundMessage> = {}): Promise<StoredItem> {
    const [stored] = await this.intake.accept('sms', [message(handles, text, more)]);
    return stored!;
  }

  /** Texts that the store was handed, in order. */
  get texts(): string[] {
    return this.handed.map((event) =>
      event.kind === 'message' && event.parts[0]?.type === 'text' ? event.parts[0].text : event.kind,
    );
  }

  /** Events that show the contact, in order. */
  async events(contactId: string): Promise<StreamEvent[]> {
    const rows = await this.database.query<StreamEvent & Record<string, unknown>>(
      `select type, data from event where data->'contact'->>'id' = $1 order by position`,
      [contactId],
    );
    return rows;
  }

  /** Resolves with the contact's events once one of this type is among them. */
  toldOf(contactId: string, type: string): Promise<StreamEvent[]> {
    return until(`${type} of the contact`, async () => {
      const events = await this.events(contactId);
      return events.some((event) => event.type === type) ? events : null;
    });
  }

  stop(): void {
    this.lookups.stop();
    this.senders.stop();
  }

  private ask(handle: Handle): Promise<CrmRecord | null> {
    const key = handleKey(handle);
    this.asked.push(key);
    const told = this.told.get(key);
    if (told instanceof Error) return Promise.reject(told);
    if (told !== undefined) return Promise.resolve(told);
    return new Promise((resolve, reject) => this.waiting.set(key, { resolve, reject }));
  }
}

/** A message of a person who has these handles; the first one names the thread. */
export function message(handles: readonly Handle[], text: string, more: Partial<InboundMessage> = {}): InboundMessage {
  messages += 1;
  return {
    kind: 'message',
    dedupeKey: `crm-${messages}`,
    thread: handles[0]!.value,
    sender: { handles: [...handles] },
    from: 'contact',
    parts: [{ type: 'text', text }],
    externalIds: [`crm-${messages}`],
    ...more,
  };
}

let people = 0;

/** Somebody who never wrote before. */
export function somebody(proof: Handle['proof'] = 'verified'): { phone: Handle; email: Handle } {
  people += 1;
  return {
    phone: { scheme: 'phone', scope: '', value: `+86139${String(people).padStart(8, '0')}`, proof },
    email: { scheme: 'email', scope: '', value: `person-${people}@acme.example`, proof },
  };
}
