import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ChatOptions } from './chat-options.js';

/** Tokens that prove nothing, of one address in a minute: genuine ones are not guessed. */
const FAILED_IDENTITIES = 20;
const UPLOADS = { ofVisitor: 30, ofAddress: 120, perS: 60 };
/** What one address may upload in an hour, KiB. */
const UPLOADED_KIB = 524_288;

/**
 * How often visitors and addresses may do what costs something. Visitors cost nothing to make, so that whatever is kept is limited by address as well. In
 * this process; several processes allow so much each.
 */
export class ChatLimits {
  private readonly messages: Limits;
  private readonly identities: Limits;
  private readonly newVisitors: RateLimiterMemory;
  private readonly failedIdentities = limiter(FAILED_IDENTITIES);
  private readonly uploads: Limits = {
    visitor: limiter(UPLOADS.ofVisitor, UPLOADS.perS),
    address: limiter(UPLOADS.ofAddress, UPLOADS.perS),
  };
  private readonly uploaded = limiter(UPLOADED_KIB, 3_600);

  constructor({
    messagesPerMinute,
    connectionsPerAddress,
  }: Omit<ChatOptions, 'secret' | 'publicUrl' | 'trustedProxies'>) {
    const limits = () => ({ visitor: limiter(messagesPerMinute), address: limiter(messagesPerMinute * 10) });
    this.messages = limits();
    this.identities = limits();
    this.newVisitors = limiter(connectionsPerAddress * 2);
  }

  /** Each of these counts one; returns 0, or the milliseconds to wait. */
  message(visitorId: string, address: string): Promise<number> {
    return waitBoth(this.messages, visitorId, address);
  }

  newVisitor(address: string): Promise<number> {
    return wait(this.newVisitors, address);
  }

  async identify(visitorId: string, address: string): Promise<number> {
    const failed = await this.failedIdentities.get(address);
    if (failed && failed.remainingPoints <= 0) return Math.max(1, failed.msBeforeNext);
    return waitBoth(this.identities, visitorId, address);
  }

  async identifyFailed(address: string): Promise<void> {
    await wait(this.failedIdentities, address);
  }

  /** An upload of so many bytes at most. One that is larger than the whole allowance uses it up. */
  async upload(visitorId: string, address: string, bytes: number): Promise<number> {
    const kib = Math.min(Math.ceil(bytes / 1_024), UPLOADED_KIB);
    return (await waitBoth(this.uploads, visitorId, address)) || wait(this.uploaded, address, kib);
  }
}

interface Limits {
  readonly visitor: RateLimiterMemory;
  readonly address: RateLimiterMemory;
}

function limiter(points: number, duration = 60): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration });
}

async function waitBoth(limits: Limits, visitorId: string, address: string): Promise<number> {
  return (await wait(limits.visitor, visitorId)) || wait(limits.address, address);
}

async function wait(of: RateLimiterMemory, key: string, points = 1): Promise<number> {
  try {
    await of.consume(key, points);
    return 0;
  } catch (error) {
    if (error instanceof RateLimiterRes) return Math.max(1, error.msBeforeNext);
    throw error;
  }
}
