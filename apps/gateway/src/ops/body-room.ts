import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { household } from '../chat/client-address.js';
import { isUpload } from '../files/uploads.js';

/** Request bodies held in memory at once: some thousands of callbacks, or sixty of the largest JSON. Uploads go to disk and are not counted. */
const MOST_BYTES = 64 * 1_048_576;
/** The part of the room that is kept for small senders. */
const RESERVED = 1 / 8;
/** The part of the room that a small sender holds at most: 256 KiB. */
const SMALL = 1 / 256;
const RETRY_S = 1;

/** What one request holds. */
export interface Claim {
  /** Takes bytes that have arrived; false where there is no room for them, or none for this sender. */
  take(bytes: number): boolean;
  /** Gives everything back. Safe to call twice. */
  release(): void;
}

/**
 * How much of requests' bodies is in memory, in this process; bytes count when they arrive, whatever a header announces. No sender may hold more than it
 * leaves free: one, which may be a provider with few addresses, has half of the room, the next one half of the rest. The last eighth is for those that hold
 * little: small callbacks pass until some thirty senders have filled it too. Whoever has that many addresses can have all of the room.
 */
export class BodyRoom {
  private held = 0;
  private readonly shares = new Map<string, number>();

  constructor(private readonly mostBytes = MOST_BYTES) {}

  get bytes(): number {
    return this.held;
  }

  /** For a request from `address`. */
  claim(address: string): Claim {
    const sender = isNetwork(address) ? site(address) : address;
    let mine = 0;
    return {
      take: (bytes) => {
        if (!this.hasRoom(this.shareOf(sender) + bytes, this.mostBytes - this.held - bytes)) return false;
        mine += bytes;
        this.hold(sender, bytes);
        return true;
      },
      release: () => {
        this.hold(sender, -mine);
        mine = 0;
      },
    };
  }

  /** For a sender that would hold `share` and leave `free`. */
  private hasRoom(share: number, free: number): boolean {
    if (share <= SMALL * this.mostBytes) return free >= 0;
    return share <= free && free >= RESERVED * this.mostBytes;
  }

  private shareOf(sender: string): number {
    return this.shares.get(sender) ?? 0;
  }

  private hold(sender: string, bytes: number): void {
    this.held += bytes;
    const share = this.shareOf(sender) + bytes;
    if (share > 0) this.shares.set(sender, share);
    else this.shares.delete(sender);
  }
}

/** Is it one of the many that an IPv6 sender has? For IPv4 there is nothing to find out, which is what most requests save. */
function isNetwork(address: string): boolean {
  return address.includes(':') && !address.startsWith('::ffff:');
}

/** The first 48 bits of an IPv6 address: one sender may be given all of what they begin. */
function site(address: string): string {
  return household(address).split(':').slice(0, 3).join(':');
}

/** Counts the bodies that the framework reads; one for which there is no room is answered 503 with Retry-After. */
export function countBodies(server: FastifyInstance, room: BodyRoom): void {
  server.addHook('preParsing', async (request, reply, payload) => {
    if (isUpload(request.headers['content-type'])) return payload;
    const claim = room.claim(request.ip);
    reply.raw.once('close', () => claim.release());
    return Readable.from(counted(payload as Readable, claim), { objectMode: false });
  });
}

/** Reads no sooner than it is read, and leaves the connection open where it ends early: the answer goes over it. */
async function* counted(payload: Readable, claim: Claim): AsyncGenerator<Buffer> {
  for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (!claim.take(chunk.length)) throw noRoom();
    yield chunk;
  }
}

function noRoom(): Error {
  const refusal = new Refusal('unavailable', 'too many requests are being read at once', { retryAfterS: RETRY_S });
  return Object.assign(refusal, { statusCode: refusal.status });
}
