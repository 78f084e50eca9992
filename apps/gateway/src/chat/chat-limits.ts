import type { Database } from '#database';
import { SharedLimit } from '../limits/index.js';
import type { ChatOptions } from './chat-options.js';

/** Tokens that prove nothing, of one address in a minute: genuine ones are not guessed. */
const FAILED_IDENTITIES = 20;
const UPLOADS = { ofVisitor: 30, ofAddress: 120 };
/** What one address may upload in an hour, KiB. */
const UPLOADED_KIB = 524_288;

/**
 * How often visitors and addresses may do what costs something, in all processes together. Visitors cost nothing to make, so that whatever is kept is
 * limited by address as well.
 */
export class ChatLimits {
  private readonly messages: Limits;
  private readonly identities: Limits;
  private readonly newVisitors: SharedLimit;
  private readonly failedIdentities: SharedLimit;
  private readonly uploads: Limits;
  private readonly uploaded: SharedLimit;

  constructor(
    { messagesPerMinute, connectionsPerAddress }: Pick<ChatOptions, 'messagesPerMinute' | 'connectionsPerAddress'>,
    database: Pick<Database, 'hint' | 'onHint'>,
  ) {
    const limit = (name: string, points: number, seconds = 60) =>
      new SharedLimit(database, { name: `chat-${name}`, points, seconds });
    const both = (name: string, ofVisitor: number, ofAddress: number): Limits => ({
      visitor: limit(`${name}-visitor`, ofVisitor),
      address: limit(`${name}-address`, ofAddress),
    });
    this.messages = both('messages', messagesPerMinute, messagesPerMinute * 10);
    this.identities = both('identities', messagesPerMinute, messagesPerMinute * 10);
    this.uploads = both('uploads', UPLOADS.ofVisitor, UPLOADS.ofAddress);
    this.newVisitors = limit('visitors', connectionsPerAddress * 2);
    this.failedIdentities = limit('failed-identities', FAILED_IDENTITIES);
    this.uploaded = limit('uploaded', UPLOADED_KIB, 3_600);
  }

  /** Each of these counts one; returns 0, or the milliseconds to wait. */
  message(visitorId: string, address: string): Promise<number> {
    return takeBoth(this.messages, visitorId, address);
  }

  newVisitor(address: string): Promise<number> {
    return this.newVisitors.take(address);
  }

  async identify(visitorId: string, address: string): Promise<number> {
    return (await this.failedIdentities.spent(address)) || takeBoth(this.identities, visitorId, address);
  }

  async identifyFailed(address: string): Promise<void> {
    await this.failedIdentities.take(address);
  }

  /** An upload of so many bytes at most. One that is larger than the whole allowance uses it up. */
  async upload(visitorId: string, address: string, bytes: number): Promise<number> {
    const kib = Math.min(Math.ceil(bytes / 1_024), UPLOADED_KIB);
    return (await takeBoth(this.uploads, visitorId, address)) || this.uploaded.take(address, kib);
  }
}

interface Limits {
  readonly visitor: SharedLimit;
  readonly address: SharedLimit;
}

async function takeBoth(limits: Limits, visitorId: string, address: string): Promise<number> {
  return (await limits.visitor.take(visitorId)) || limits.address.take(address);
}
