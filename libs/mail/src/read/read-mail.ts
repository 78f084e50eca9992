import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { emailAddress, ProviderFailure, type PartInput } from '#normalizer';
import type { MediaStream } from '#transport';
import { bearsOurs, bounceOf, isFromOurAddress, signsOf, wasDelivered } from './automated.js';
import type { ReadContext } from './context.js';
import { alignedSignatures, isGenuine, type Signature } from './dkim/verify.js';
import { rawHeaders, type RawHeader } from './dkim/canonical.js';
import { resolveTxt } from './dkim/resolve.js';
import { idsOf, mailboxesOf, readHeaders, textOf, valueOf, valuesOf, type Headers } from './headers.js';
import { ORIGINAL, partsOf } from './parts.js';
import { bearing } from './quotes/bearing.js';
import { ReadingPool } from './pool.js';
import type { Reading } from './reading.js';
import type { Report } from './report.js';
import { authorOf, borderVerdict, type Author } from './sender.js';
import { Unreadable } from './thread.js';

const SLICE = 1_048_576;
const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

/** Headers in which a reply token of ours may come back, in the order in which they are looked at. */
const TOKENS = ['in-reply-to', 'references', 'to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'];

/** Where Request Tracker writes on whose behalf it sends a mail. */
const ORIGINATORS = ['x-rt-originator', 'rt-originator'];

const shared = new ReadingPool();

/** A mail that came in, as far as the mail itself and the settings of the mailbox tell. */
export interface IncomingMail {
  readonly author: Author;
  /** Why the author is only claimed, in words; undefined where our border, or a signature that is looked up when this is asked, vouches for them. */
  doubt(): Promise<string | undefined>;
  /** Its own id, without brackets; undefined where it has none that can be told. */
  readonly id?: string | undefined;
  /** The id of the mail that it answers. */
  readonly answers?: string | undefined;
  /** The ids that it names as those before it, the first one first. */
  readonly references: readonly string[];
  /** For whom a ticket system says to pass it on (Request Tracker does), as addresses; in its own words where they are none. */
  readonly originators: readonly string[];
  /** Texts in which a reply token of ours may come back: ids and addresses. */
  readonly returned: readonly string[];
  readonly subject: string;
  /** When it was written, ISO 8601: as the sender's clock says, where that can be. */
  readonly sentAt: string;
  /** Of date, author, subject and body: the same for one mail in two folders, another for another mail under the same id. */
  readonly digest: string;
  /** Why it was sent by a program on its own, in words; null where a person sent it, as far as can be seen. */
  readonly automation: string | null;
  /** Everything by which that can be seen, the surest first (`AUTOMATIC_REPLY` where it is one). */
  readonly signs: readonly string[];
  /** What a program reports of mail of ours, and whether its head says that mail came back, or will be late. */
  readonly report?: Report | undefined;
  readonly bounce: 'returned' | 'late' | null;
  /** It is from an address of the mailbox: by another program, or by this gateway and went round (`automation` says so). */
  readonly fromUs: boolean;
  /** The sender of its envelope, as the server wrote it that took it (Return-Path): empty for reports; undefined where none is written. */
  readonly returnPath: string | undefined;
  /** Its words (html with text, or text), its files, and the original where anything of it was taken away. Never empty. Files are opened by `openMailFile`. */
  readonly parts: PartInput[];
  /** What the person did not newly write: history and signature. */
  readonly quoted: string;
}

/**
 * Reads a mail, in a thread with limits of time and memory: one that exceeds them has its original as its only file. Null where it is a copy of what this
 * mailbox wrote by the gateway, in a folder for such; what was delivered is no copy. Never throws for what a mail holds.
 */
export async function readMail(source: Uint8Array, context: ReadContext): Promise<IncomingMail | null> {
  const headers = readHeaders(source);
  const { config, location } = context;
  const author = authorOf(headers);
  const [ours, fromUs] = [bearsOurs(headers, config), isFromOurAddress(author.address, config)];
  if (ours && fromUs && !wasDelivered(headers)) return null;
  const { copy, digest } = await copied(source, headers);
  const { raw, signatures } = signaturesOf(source, { headers, author, context });
  const reading = await read(copy, { headers, signatures, context });
  const signs = [...signsOf(headers, author.address), ...(ours ? ['what we wrote, come back'] : [])];
  const automation = signs[0] ?? null;
  const subject = textOf(valueOf(headers, 'subject')).slice(0, 1_000);
  return {
    ...{ author, fromUs, digest, automation, signs, subject },
    doubt: async () => author.doubt ?? (await doubtOf(author, { headers, raw, signatures, reading, context })),
    ...{ id: ownId(headers), answers: answeredId(headers) },
    references: [...idsOf(valueOf(headers, 'references')), ...idsOf(valueOf(headers, 'in-reply-to'))],
    originators: ORIGINATORS.flatMap((name) => valuesOf(headers, name)).flatMap(addressesIn),
    returned: TOKENS.flatMap((name) => valuesOf(headers, name)),
    sentAt: sentAt(headers, context),
    report: 'report' in reading && automation !== null ? reading.report : undefined,
    bounce: bounceOf(headers, author.address),
    returnPath: valuesOf(headers, 'return-path')[0]?.replace(/[\s<>]/g, ''),
    ...partsOf(reading, { subject, location, bytes: source.byteLength }),
  };
}

/** Opens what `ref` of a media part of `readMail` names: `part` of the mail `source`. Throws `ProviderFailure` where the mail has no such part. */
export async function openPart(source: Uint8Array, part: string, pool = shared): Promise<MediaStream> {
  if (part === ORIGINAL) {
    return { stream: Readable.from([source], { objectMode: false }), mimeType: 'message/rfc822', bytes: source.byteLength, name: 'original.eml' };
  }
  const { copy } = await copied(source, readHeaders(source));
  try {
    const file = await pool.run({ source: copy, request: { task: 'open', index: Number(part) } });
    if (file === undefined || !('content' in file)) throw new ProviderFailure('content-refused', 'the mail has no such file');
    const { content, mimeType, name } = file;
    return { stream: Readable.from([content], { objectMode: false }), mimeType, bytes: content.byteLength, name };
  } catch (error) {
    if (error instanceof Unreadable) throw new ProviderFailure('content-refused', `the mail cannot be read: ${error.message}`);
    throw error;
  }
} // prettier-ignore

interface Asked {
  readonly headers: Headers;
  readonly signatures: readonly Signature[];
  readonly context: ReadContext;
}

async function read(source: Uint8Array, { headers, signatures, context }: Asked): Promise<Reading | Unreadable> {
  const subject = textOf(valueOf(headers, 'subject'));
  const hashes = [...new Set(signatures.map(({ canonical }) => canonical.body))];
  const request = { task: 'read' as const, ...bearing(headers, subject), ...(hashes.length > 0 && { hashes }) };
  try {
    return (await (context.pool ?? shared).run({ source, request })) as Reading;
  } catch (error) {
    if (error instanceof Unreadable) return error;
    throw error;
  }
} // prettier-ignore

/** The signatures by which the author may be verified here: none where our border said something, or the settings say not to. */
function signaturesOf(source: Uint8Array, { headers, author, context }: { headers: Headers; author: Author; context: ReadContext }): { raw: RawHeader[]; signatures: Signature[] } {
  const { servers, verify } = context.config.authentication;
  const wanted = verify && author.doubt === undefined && valueOf(headers, 'dkim-signature') !== '' && borderVerdict(headers, servers) === null;
  const raw = wanted ? rawHeaders(source) : [];
  // What is signed has to be what was read.
  const signed = isSameFrom(raw, headers);
  return { raw, signatures: signed ? alignedSignatures(raw, domainOf(author.address!), context.now) : [] };
} // prettier-ignore

function isSameFrom(raw: readonly RawHeader[], headers: Headers): boolean {
  const [from, another] = raw.filter(({ name }) => name === 'from');
  if (!from || another) return false;
  return (
    from.line
      .slice(from.line.indexOf(':') + 1)
      .replaceAll('\r\n', '')
      .trim() === valueOf(headers, 'from')
  );
}

interface Evidence extends Asked {
  readonly raw: readonly RawHeader[];
  readonly reading: Reading | Unreadable;
}

/** Why the author is only claimed; undefined where they are proven. */
async function doubtOf({ address }: Author, { headers, raw, signatures, reading, context }: Evidence): Promise<string | undefined> {
  const domain = domainOf(address!);
  const verdict = borderVerdict(headers, context.config.authentication.servers);
  if (verdict) return verdict.result === 'pass' && verdict.domain === domain ? undefined : `DMARC: ${verdict.result}${verdict.domain === domain ? '' : ' of another domain'}`.slice(0, 100);
  const hashes = 'hashes' in reading ? reading.hashes : undefined;
  if (signatures.length === 0 || !hashes) return 'nothing vouches for the sender';
  const resolve = context.resolveTxt ?? resolveTxt;
  const checks = signatures.map((signature) => isGenuine(signature, { headers: raw, hashes, resolve }).catch(() => null));
  const results = await Promise.all(checks);
  if (results.includes(true)) return undefined;
  return results.includes(null) ? 'the key of the signature could not be looked up' : 'the signature is not genuine';
} // prettier-ignore

/** The mail's own id, without brackets; undefined where it has none that can be told. */
function ownId(headers: Headers): string | undefined {
  const [id] = idsOf(valueOf(headers, 'message-id'));
  return id !== undefined && id.length <= 500 ? id : undefined;
}

function addressesIn(value: string): string[] {
  const { mailboxes } = mailboxesOf(value);
  return mailboxes.length === 0 ? [value] : mailboxes.map(({ address }) => emailAddress(address) ?? value);
}

/** The mail that it answers. */
function answeredId(headers: Headers): string | undefined {
  const id = idsOf(valueOf(headers, 'in-reply-to'))[0] ?? idsOf(valueOf(headers, 'references')).at(-1);
  return id !== undefined && id.length <= 500 ? id : undefined;
}

/** What the sender's clock says, where that can be; else when the server took it. */
function sentAt(headers: Headers, { receivedAt }: ReadContext): string {
  const said = Date.parse(valueOf(headers, 'date').replace(/\([^()]*\)\s*$/, ''));
  const likely = said > receivedAt - WEEK_MS && said < receivedAt + 5 * MINUTE_MS;
  return new Date(likely ? said : receivedAt).toISOString();
}

/** A copy that the thread may have, and a digest of what makes a mail this one, in slices: others wait no longer than for one of them. */
async function copied(source: Uint8Array, headers: Headers): Promise<{ copy: Uint8Array; digest: string }> {
  const copy = new Uint8Array(new SharedArrayBuffer(source.byteLength));
  const hash = createHash('sha256');
  hash.update(JSON.stringify(['date', 'from', 'subject'].map((name) => valueOf(headers, name))));
  copy.set(source.subarray(0, headers.bodyAt));
  for (let at = headers.bodyAt; at < source.byteLength; at += SLICE) {
    const slice = source.subarray(at, at + SLICE);
    copy.set(slice, at);
    hash.update(slice);
    if (source.byteLength > SLICE) await turn();
  }
  return { copy, digest: hash.digest('base64url').slice(0, 32) };
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
