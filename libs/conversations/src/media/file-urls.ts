import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const DEFAULT_TTL_S = 24 * 3_600;
/** Expiry is rounded up to this, so that the same file has the same address for a while and browsers keep it. */
const STEP_S = 3_600;

/** Addresses of files that anyone who holds one may read until it expires. */
export class FileUrls {
  private readonly keys: readonly Buffer[];

  /** `secrets` are the server's own: the key that signs is derived from the first one, and any of them verifies. `publicUrl` is asked at each call, for the port may be chosen late. */
  constructor(
    secrets: string | Buffer | readonly (string | Buffer)[],
    private readonly publicUrl: string | (() => string),
    private readonly now: () => number = Date.now,
  ) {
    this.keys = [secrets]
      .flat()
      .map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'tributary file urls v1', 32)));
  }

  /** `{publicUrl}/files/{id}?exp&sig`, good for at least `ttlS` seconds (default a day). */
  sign(fileId: string, ttlS = DEFAULT_TTL_S): string {
    const root = typeof this.publicUrl === 'string' ? this.publicUrl : this.publicUrl();
    const exp = Math.ceil((this.now() / 1_000 + ttlS) / STEP_S) * STEP_S;
    return `${root.replace(/\/$/, '')}/files/${fileId}?exp=${exp}&sig=${signature(this.keys[0]!, fileId, String(exp)).toString('base64url')}`;
  }

  /** Compares in constant time. `expired` is said only of an address that was good once. */
  verify(fileId: string, exp: unknown, sig: unknown): 'good' | 'expired' | 'forged' {
    if (typeof exp !== 'string' || typeof sig !== 'string' || !/^\d{1,12}$/.test(exp)) return 'forged';
    const given = Buffer.from(sig, 'base64url');
    const genuine = this.keys.some((key) => {
      const expected = signature(key, fileId, exp);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    if (!genuine) return 'forged';
    return Number(exp) * 1_000 > this.now() ? 'good' : 'expired';
  }
}

function signature(key: Buffer, fileId: string, exp: string): Buffer {
  return createHmac('sha256', key).update(`${fileId}.${exp}`).digest();
}
