import { createHmac, timingSafeEqual } from 'node:crypto';
import { base32, base32Number, readBase32Number } from './base32.js';
import { comparable, KEY_CHARACTERS } from './thread-key.js';

const DAY_MS = 86_400_000;
const EPOCH = Date.UTC(2020, 0, 1);
const DAY_CHARACTERS = 4;
/** 80 bits. */
const MAC_CHARACTERS = 16;
/** Stands for the key of a thread that is named by the address itself: one that we began. */
const ADDRESS = '-';
/** Most tokens that one mail is tried for: a real one has a handful. */
const MOST_TOKENS = 500;

const TOKEN = new RegExp(
  `(?<![a-z2-7-])([a-z2-7]{${KEY_CHARACTERS}}|${ADDRESS})\\.([a-z2-7]{${DAY_CHARACTERS}})\\.([a-z2-7]{${MAC_CHARACTERS}})(?![a-z2-7])`,
  'g',
);

export interface TokenParts {
  readonly secret: string;
  readonly accountId: string;
  /** The thread's name: a `threadKey`, or the address itself. */
  readonly threadKey: string;
  /** Whom the mail goes to: nobody else's reply is taken for theirs. */
  readonly address: string;
  /** When, as `dayOf` counts. */
  readonly day: number;
}

export interface TokenReader {
  readonly secret: string;
  readonly accountId: string;
  /** Whose mail it is. */
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly maxAgeDays: number;
}

/** The day of a time (milliseconds since the epoch) by which tokens age: whole days since 2020 began. */
export function dayOf(now: number): number {
  return Math.floor((now - EPOCH) / DAY_MS);
}

/**
 * The reply token `KEY.DAY.MAC` of a mail that we send: base32 in lower case, at most 42 characters, so that it stands in a Message-ID and
 * in the local part of an address. It binds the thread, the day, the recipient and the account to each other by an HMAC of 80 bits.
 */
export function makeToken({ secret, accountId, threadKey, address, day }: TokenParts): string {
  const isKey = threadKey.length === KEY_CHARACTERS && /^[a-z2-7]+$/.test(threadKey);
  const head = `${isKey ? threadKey : ADDRESS}.${base32Number(day, DAY_CHARACTERS)}`;
  return `${head}.${macOf(head, { secret, accountId, address })}`;
}

/**
 * The thread that a mail from `address` continues, by the first token in `texts` (ids and addresses, as headers have them: any case, with
 * brackets, folded) that we made for that very address on this account and that is not too old; null where there is none.
 */
export function readToken(texts: readonly string[], reader: TokenReader): string | null {
  for (const thread of threadsIn(texts, reader)) return thread;
  return null;
}

/** All threads that such tokens name, the first one first: one, unless threads were made one elsewhere, or somebody mixes them. */
export function readTokens(texts: readonly string[], reader: TokenReader): string[] {
  return [...new Set(threadsIn(texts, reader))];
}

function* threadsIn(texts: readonly string[], reader: TokenReader): Generator<string> {
  const today = dayOf(reader.now);
  for (const [head, key, day, mac] of tokensIn(texts)) {
    if (today - readBase32Number(day) > reader.maxAgeDays) continue;
    if (!timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(head, reader)))) continue;
    yield key === ADDRESS ? comparable(reader.address) : key;
  }
}

type Found = readonly [head: string, key: string, day: string, mac: string];

function tokensIn(texts: readonly string[]): Found[] {
  const found = new Map<string, Found>();
  for (const text of texts) {
    for (const [token, key, day, mac] of text.toLowerCase().replace(/\s/g, '').matchAll(TOKEN)) {
      if (found.size >= MOST_TOKENS) return [...found.values()];
      found.set(token, [`${key}.${day}`, key!, day!, mac!]);
    }
  }
  return [...found.values()];
}

function macOf(head: string, { secret, accountId, address }: Pick<TokenReader, 'secret' | 'accountId' | 'address'>) {
  const said = JSON.stringify(['reply token', head, comparable(address), accountId]);
  return base32(createHmac('sha256', secret).update(said).digest(), MAC_CHARACTERS);
}
