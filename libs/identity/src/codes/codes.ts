import { createHmac, hkdfSync, randomInt, timingSafeEqual } from 'node:crypto';
import type { Sql, Statement } from '#database';
import { newId, type Handle } from '#normalizer';

/** Digits of a code, how long it lives, and how often it may be guessed at. */
export const CODE = { digits: 6, lifeS: 600, attempts: 5 } as const;

/** How many codes may be asked for: by one asker and from one address in an hour, to one handle in a day, in all in an hour. */
export interface CodeLimits {
  readonly subject: number;
  readonly sender: number;
  readonly handle: number;
  readonly everybody: number;
}

export const CODE_LIMITS: CodeLimits = { subject: 5, sender: 20, handle: 5, everybody: 1_000 };

export interface CodeRequest {
  /** What a right code is good for: one that was asked for by a visitor serves nobody at the API. */
  readonly purpose: 'chat' | 'api';
  /** Who asks. Only the same one can use the code. */
  readonly subject: string;
  /** Normalized. */
  readonly handle: Pick<Handle, 'scheme' | 'value'>;
  /** Account that sends it. */
  readonly accountId: string;
  /** Network address of who asks, if it is known. Kept as a hash. */
  readonly sender?: string;
}

/** `wanted` says whether the code is to be sent; who asked must not see a difference. */
export type Asked =
  | {
      readonly outcome: 'asked';
      readonly id: string;
      readonly code: string;
      readonly expiresAt: Date;
      readonly wanted: boolean;
    }
  | { readonly outcome: 'refused'; readonly retryAfterMs: number };

/** A code that was right: what it proves, and who asked for it. */
export interface Confirmed {
  readonly scheme: string;
  readonly value: string;
  readonly subject: string;
  readonly accountId: string;
}

const ASK: Statement = { name: 'ask_code', text: 'select wanted, wait_s from ask_code($1::jsonb, $2::jsonb)' };
/** Counts a guess before it is looked at: guesses that are made at once all count. */
const guessing = (name: string, whose: string): Statement => ({
  name,
  text: `update code c set attempts = c.attempts + 1
    where c.id = (select n.id from code n where ${whose} and n.hash is not null and n.used_at is null and n.expires_at > clock_timestamp()
      order by n.created_at desc limit 1)
    and c.attempts < ${CODE.attempts} and c.used_at is null and c.expires_at > clock_timestamp() returning c.id, c.hash`,
});
const GUESS = guessing('guess_code', 'n.purpose = $1 and n.subject = $2 and n.scheme = $3 and n.value = $4');
const GUESS_BY_ID = guessing('guess_code_by_id', 'n.purpose = $1 and n.id = $2');
/** The code is used up, and with it every other that the same asker has for this handle. */
const USE: Statement = {
  name: 'use_code',
  text: `with used as (update code set used_at = clock_timestamp() where id = $1 and used_at is null returning *),
    others as (
      update code c set used_at = clock_timestamp() from used u
      where c.purpose = u.purpose and c.subject = u.subject and c.scheme = u.scheme and c.value = u.value and c.id <> u.id and c.used_at is null)
    select scheme, value, subject, account_id as "accountId" from used`,
};
const NO_HASH = ''.padEnd(64, '0');

/**
 * One-time codes. What is known of one is a keyed hash; the digits are with its reader alone. Every answer takes the same statements whether the handle is known,
 * has been sent enough, or was never asked for.
 */
export class Codes {
  private readonly keys: readonly Buffer[];

  /** The first of the server's secrets makes codes, any of them verifies. */
  constructor(
    secrets: string | Buffer | readonly (string | Buffer)[],
    private readonly limits: CodeLimits = CODE_LIMITS,
  ) {
    this.keys = [secrets].flat().map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'tributary codes v1', 32)));
  }

  /** Makes a code, inside the caller's transaction, which sends it if it is `wanted`. `refused` tells of the asker, never of the handle. */
  async ask(sql: Sql, { purpose, subject, handle, accountId, sender }: CodeRequest): Promise<Asked> {
    const id = newId('cod');
    const code = String(randomInt(10 ** CODE.digits)).padStart(CODE.digits, '0');
    const { scheme, value } = handle;
    const whence = sender === undefined ? null : this.hash(this.keys[0]!, 'sender', sender);
    const hash = this.hash(this.keys[0]!, id, code);
    const asked = { id, purpose, subject, scheme, value, accountId, sender: whence, hash, lifeS: CODE.lifeS };
    const [row] = await sql.query<{ wanted: boolean; wait_s: number | null }>(ASK, [
      JSON.stringify(asked),
      JSON.stringify(this.limits),
    ]);
    if (row!.wait_s !== null) return { outcome: 'refused', retryAfterMs: Math.max(1_000, row!.wait_s * 1_000) };
    return { outcome: 'asked', id, code, expiresAt: new Date(Date.now() + CODE.lifeS * 1_000), wanted: row!.wanted };
  }

  /**
   * Looks at what somebody typed. Returns the id of the code where it is right, else null: wrong, used, expired, guessed at too often and never asked for are one.
   * The statement counts the guess, and must be committed whatever comes of it. Digits of other widths are digits.
   */
  async guess(
    sql: Sql,
    of: { purpose: 'chat'; subject: string; handle: Pick<Handle, 'scheme' | 'value'> } | { purpose: 'api'; id: string },
    typed: string,
  ): Promise<string | null> {
    const [row] = await ('id' in of
      ? sql.query<{ id: string; hash: string }>(GUESS_BY_ID, [of.purpose, of.id])
      : sql.query<{ id: string; hash: string }>(GUESS, [of.purpose, of.subject, of.handle.scheme, of.handle.value]));
    const digits = digitsOf(typed);
    const expected = Buffer.from(row?.hash ?? NO_HASH, 'hex');
    const right = this.keys
      .map((key) => timingSafeEqual(Buffer.from(this.hash(key, row?.id ?? '', digits), 'hex'), expected))
      .some(Boolean);
    return row && right ? row.id : null;
  }

  /** Uses a code that was right, inside the transaction of what comes of it; null where somebody was quicker. */
  async use(sql: Sql, id: string): Promise<Confirmed | null> {
    const [row] = await sql.query<Confirmed & Record<string, unknown>>(USE, [id]);
    return row ?? null;
  }

  private hash(key: Buffer, id: string, text: string): string {
    return createHmac('sha256', key).update(`${id}:${text}`).digest('hex');
  }
}

/** What was typed, without what people put between digits; full-width digits become plain ones. */
function digitsOf(typed: string): string {
  return typed
    .slice(0, 100)
    .normalize('NFKC')
    .replace(/[\s\p{Cf}-]/gu, '');
}
