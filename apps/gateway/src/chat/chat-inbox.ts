import type { ClientFrame, WebchatConfig } from '#channels';
import { resolveFiles, type IntakePort, type StoredItem } from '#conversations';
import type { Database } from '#database';
import { InvalidInput, parseInbound, type Part } from '#normalizer';
import type { Said } from './prechat-form.js';
import { handlesOf, threadOf, type Session } from './chat-session.js';
import type { ChatStore } from './chat-store.js';

/** What a message goes by, besides itself. */
export interface Surroundings {
  readonly config: WebchatConfig;
  /** What the visitor said before, in a form. */
  readonly said?: Said | undefined;
  /** The first language of the browser (BCP 47). */
  readonly language?: string | undefined;
}

type MessageFrame = Extract<ClientFrame, { type: 'message' }>;

/** What a visitor wrote is not taken; the message is for people. */
export class ContentRefused extends Error {
  override readonly name = 'ContentRefused';
}

/** Parts that people make. Everything else is made by helpdesks, or could run in one. */
const TAKEN: ReadonlySet<Part['type']> = new Set([
  'text',
  'media',
  'location',
  'contact-card',
  'link',
  'choice',
] as const);

/** The owner of what a visitor uploads. */
export function ownerOf(session: Session): string {
  return `visitor:${session.visitorId}`;
}

/** From a visitor's message to the store. */
export class ChatInbox {
  constructor(
    private readonly database: Database,
    private readonly intake: IntakePort,
    private readonly store: ChatStore,
  ) {}

  /**
   * Stores a message of a visitor; resolves after the commit, also for one that was stored before. Throws `ContentRefused` (nothing is stored) and
   * `DatabaseUnavailable`.
   */
  async accept(session: Session, frame: MessageFrame, around: Surroundings): Promise<StoredItem> {
    const event = await this.event(session, frame, around).catch((error: unknown) => {
      throw error instanceof InvalidInput ? new ContentRefused(error.message) : error;
    });
    const [stored] = await this.intake.accept(session.accountId, [event]);
    if (!stored?.id || stored.threadSequence === null) throw new ContentRefused('the message cannot be stored');
    return stored;
  }

  private async event(session: Session, { clientId, parts }: MessageFrame, { config, said, language }: Surroundings) {
    const own: Part[] = [];
    for (const part of parts) own.push(await this.check(session, part, config));
    const key = `${session.visitorId}:${clientId}`;
    const name = session.person?.name ?? said?.name;
    return parseInbound({
      kind: 'message',
      dedupeKey: key,
      externalIds: [key],
      thread: threadOf(session),
      sender: { handles: [...handlesOf(session), ...(said?.handles ?? [])], ...(name && { name }) },
      ...(said?.metadata && { metadata: said.metadata }),
      ...(language !== undefined && { language }),
      parts: [...(await resolveFiles(this.database, own, ownerOf(session)))],
    });
  }

  private async check(session: Session, part: Part, config: WebchatConfig): Promise<Part> {
    if (!TAKEN.has(part.type)) throw new ContentRefused(`a visitor cannot send ${part.type}`);
    if (part.type === 'media') {
      if (!part.fileId) throw new ContentRefused('upload the file first');
      return { ...part, url: undefined, ref: undefined };
    }
    if (part.type === 'choice') return this.choice(session, part);
    const length = part.type === 'text' ? part.text.length : 0;
    if (length > config.maxTextLength)
      throw new ContentRefused(`a message has at most ${config.maxTextLength} characters`);
    if (part.type === 'text' && part.text.trim() === '') throw new ContentRefused('the message is empty');
    return part;
  }

  /** An answer must be one that was offered in this very thread, and says what was offered. */
  private async choice(session: Session, part: Extract<Part, { type: 'choice' }>): Promise<Part> {
    const { messageId, optionId } = part;
    const thread = { accountId: session.accountId, externalId: threadOf(session) };
    const label = messageId && (await this.store.optionLabel(thread, { messageId, optionId }));
    if (!label) throw new ContentRefused('there is no such choice');
    return { ...part, label };
  }
}
