import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ChatOptions } from './chat-options.js';

/** How often visitors and addresses may do what costs something. In this process; several processes allow so much each. */
export class ChatLimits {
  private readonly visitors: RateLimiterMemory;
  private readonly addresses: RateLimiterMemory;
  private readonly identities = new RateLimiterMemory({ points: 20, duration: 60 });
  private readonly uploads = new RateLimiterMemory({ points: 30, duration: 60 });

  constructor({ messagesPerMinute }: ChatOptions) {
    this.visitors = new RateLimiterMemory({ points: messagesPerMinute, duration: 60 });
    this.addresses = new RateLimiterMemory({ points: messagesPerMinute * 10, duration: 60 });
  }

  /** Each of these counts one; returns 0, or the milliseconds to wait. */
  async message(visitorId: string, address: string): Promise<number> {
    return (await wait(this.visitors, visitorId)) || wait(this.addresses, address);
  }

  identify(address: string): Promise<number> {
    return wait(this.identities, address);
  }

  upload(visitorId: string): Promise<number> {
    return wait(this.uploads, visitorId);
  }
}

async function wait(limiter: RateLimiterMemory, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (error) {
    if (error instanceof RateLimiterRes) return Math.max(1, error.msBeforeNext);
    throw error;
  }
}
