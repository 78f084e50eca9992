import type { ClientFrame, Prechat, ServerFrame } from '#channels';
import type { Database, Sql } from '#database';
import { prove } from '#identity';
import { InvalidHandle, ProviderFailure, type Handle } from '#normalizer';
import type { Verifications } from '../verify/verifications.js';
import type { ChatAccount } from './chat-account.js';
import { ChatIntroductions, type ThreadName } from './chat-introductions.js';
import { threadOf, type Session } from './chat-session.js';
import { PrechatForm, type Said } from './prechat-form.js';

type Frame<T extends ClientFrame['type']> = Extract<ClientFrame, { type: T }>;
type CodeFrame = Extract<ServerFrame, { type: 'code' }>;

/** Whence a visitor asks. */
export interface Asker {
  readonly session: Session;
  readonly account: ChatAccount;
  readonly address: string;
  readonly locale: string | undefined;
}

/** What a message may bring along: `wait` where the form must be filled in first. */
export type Admission =
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'go';
      readonly said?: Said;
      /** Of the introduction that this was read from. */ readonly version?: number;
    };

interface Proof {
  readonly handle: Handle;
  readonly codeId: string;
}

const ATTEMPTS = 3;
/** Another transaction stood in the way; the same again will do. */
const CONTENTION: ReadonlySet<unknown> = new Set(['40P01', '40001', '55P03', '23505']);
const CONTACT = {
  name: 'chat_visitor_contact',
  text: `select contact_id as "contactId" from handle where scheme = 'visitor' and scope = $1 and value = $2 and proof <> 'claimed'`,
};

/** What is asked of visitors before they write, and the codes by which they prove an address. The server holds it; browsers only show it. */
export class ChatPrechat {
  private readonly introductions = new ChatIntroductions();

  constructor(
    private readonly database: Database,
    private readonly verifications: Verifications,
    private readonly log: { warn(fields: object, message: string): void },
  ) {}

  /** The form that this visitor has yet to fill in, if any. */
  async form(session: Session, account: ChatAccount): Promise<Prechat | undefined> {
    const form = this.formOf(session, account);
    if (!form || form.fields.length === 0) return undefined;
    const { begun, introduction } = await this.introductions.read(this.database, nameOf(session));
    if (begun || (introduction && form.admits(introduction))) return undefined;
    return form.show(introduction, false);
  }

  /** Stores answers, unless something is wrong with them. Once the visitor has written, nothing is asked and nothing stored. */
  async submit(session: Session, account: ChatAccount, { answers: given }: Frame<'prechat'>): Promise<Prechat> {
    const form = this.formOf(session, account);
    if (!form) return { fields: [], verify: 'off', verifiable: [], answers: {}, verified: [], done: true };
    const name = nameOf(session);
    const { begun, introduction } = await this.introductions.read(this.database, name);
    if (begun) return form.show(undefined, true);
    const { answers, faults } = form.read(given);
    if (faults.length > 0) return { ...form.show(introduction, false), faults };
    await this.introductions.keepAnswers(this.database, name, answers);
    const stored = { answers, proven: introduction?.proven ?? [] };
    return form.show(stored, form.admits(stored));
  }

  /** Whether a message of this visitor is taken, and what it brings along. */
  async admit(session: Session, account: ChatAccount): Promise<Admission> {
    const form = this.formOf(session, account);
    if (!form) return { kind: 'go' };
    const { begun, introduction } = await this.introductions.read(this.database, nameOf(session));
    const known = introduction ?? { answers: {}, proven: [] };
    if (!begun && !form.admits(known)) return { kind: 'wait' };
    if (!introduction) return { kind: 'go' };
    const said = form.said(begun ? { answers: {}, proven: known.proven } : known);
    return { kind: 'go', said, version: introduction.version };
  }

  /** The message is stored, and with it what was said. Returns whether nothing is left to be said with the next. */
  async taken(session: Session, { version }: { version?: number }): Promise<boolean> {
    return version === undefined || this.introductions.forget(this.database, nameOf(session), version);
  }

  async becomes(anonymous: Session, person: Session): Promise<void> {
    await this.introductions.move(this.database, nameOf(anonymous), threadOf(person));
  }

  /** Sends a code. The answer is the same, and takes the same work, whoever has the address. */
  async ask(asker: Asker, frame: Frame<'code'>): Promise<CodeFrame> {
    const { scheme } = frame;
    const { session, account, address, locale } = asker;
    const handle = await this.handleOf(session, account, frame);
    if (!handle) return { type: 'code', scheme, state: 'unavailable' };
    const wish = { purpose: 'chat', subject: subjectOf(session), handle, sender: address, locale } as const;
    const told = await this.database
      .transaction((sql) => this.verifications.ask(sql, wish))
      .catch((error: unknown) => {
        if (error instanceof ProviderFailure) return error;
        throw error;
      });
    if (told instanceof ProviderFailure) {
      this.log.warn({ err: told }, 'no codes can be sent to visitors');
      return { type: 'code', scheme, state: 'unavailable' };
    }
    this.database.hint('outbox');
    return told.outcome === 'asked'
      ? { type: 'code', scheme, state: 'sent' }
      : { type: 'code', scheme, state: 'wait', retryAfterMs: Math.ceil(told.retryAfterMs) };
  }

  /**
   * Looks at a code. The right one makes the address verified: of the visitor's contact, which may join it with another by the policy of merging, or of whoever
   * the visitor turns out to be with the first message. The browser is told no more than that the code was right.
   */
  async confirm(session: Session, account: ChatAccount, frame: Frame<'confirm'>): Promise<CodeFrame> {
    const { scheme, code } = frame;
    const handle = await this.handleOf(session, account, frame);
    if (!handle) return { type: 'code', scheme, state: 'unavailable' };
    const of = { purpose: 'chat', subject: subjectOf(session), handle } as const;
    const id = await this.verifications.codes.guess(this.database, of, code);
    const right = id !== null && (await this.prove(session, { handle: { ...handle, proof: 'verified' }, codeId: id }));
    return { type: 'code', scheme, state: right ? 'right' : 'wrong' };
  }

  /** How the form stands, for who has just confirmed a code. */
  async standing(session: Session, account: ChatAccount): Promise<Prechat | undefined> {
    const form = this.formOf(session, account);
    const { begun, introduction } = await this.introductions.read(this.database, nameOf(session));
    return form?.show(introduction, begun || (introduction !== undefined && form.admits(introduction)));
  }

  private async prove(session: Session, proof: Proof, attempt = 1): Promise<boolean> {
    try {
      return await this.database.transaction((sql) => this.proveOnce(sql, session, proof));
    } catch (error) {
      if (attempt >= ATTEMPTS || !CONTENTION.has((error as { code?: unknown }).code)) throw error;
      return this.prove(session, proof, attempt + 1);
    } finally {
      this.database.hint('outbox');
      this.database.hint('events');
    }
  }

  private async proveOnce(sql: Sql, session: Session, { handle, codeId }: Proof): Promise<boolean> {
    const used = await this.verifications.codes.use(sql, codeId);
    if (!used) return false;
    const { accountId, visitorId } = session;
    const contact = () => sql.query<{ contactId: string }>(CONTACT, [accountId, visitorId]);
    const source = `code:${used.accountId}`;
    let [who] = await contact();
    if (!who) {
      const { scheme, value } = handle;
      await this.introductions.keepProven(sql, nameOf(session), { scheme, value, source });
      [who] = await contact(); // who wrote in this very moment has a contact by now
    }
    if (who) await prove(sql, who.contactId, { handle, source, accountId });
    return true;
  }

  /** The address that a code is for: the one named, else the one of the stored answers; undefined where none can be proven here. */
  private async handleOf(
    session: Session,
    account: ChatAccount,
    { scheme, value }: Pick<Frame<'code'>, 'scheme' | 'value'>,
  ): Promise<Handle | undefined> {
    const form = this.formOf(session, account);
    if (!form?.verifiable.includes(scheme)) return undefined;
    const { introduction } = await this.introductions.read(this.database, nameOf(session));
    const text = value ?? introduction?.answers[scheme];
    try {
      return text === undefined ? undefined : this.verifications.normalize({ scheme, value: text });
    } catch (error) {
      if (error instanceof InvalidHandle) return undefined;
      throw error;
    }
  }

  private formOf({ person }: Session, { config }: ChatAccount): PrechatForm | undefined {
    if (!config.prechat) return undefined;
    return new PrechatForm({
      ...{ config: config.prechat, person },
      canVerify: (scheme) => this.verifications.accountFor(scheme) !== undefined,
      normalize: (handle) => this.verifications.normalize(handle),
    });
  }
}

function nameOf(session: Session): ThreadName {
  return { accountId: session.accountId, externalId: threadOf(session) };
}

/** Who asks for a code: nobody else can use it. */
function subjectOf({ accountId, visitorId }: Session): string {
  return `${accountId}/${visitorId}`;
}
