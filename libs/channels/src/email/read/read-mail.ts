import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { ProviderFailure, type InboundEventInput } from '#normalizer';
import type { MediaStream } from '#transport';
import { automationOf, bearsOurs, bounceOf, isFromOurAddress } from './automated.js';
import type { ReadContext } from './context.js';
import { alignedSignatures, isGenuine, type Signature } from './dkim/verify.js';
import { rawHeaders, type RawHeader } from './dkim/canonical.js';
import { resolveTxt } from './dkim/resolve.js';
import { readHeaders, textOf, valueOf, type Headers } from './headers.js';
import { ORIGINAL, partsOf } from './parts.js';
import { answeredId, ownId, threadOf } from './place.js';
import { bearing } from './quotes/bearing.js';
import { ReadingPool } from './pool.js';
import type { Reading } from './reading.js';
import { eventsOfReport } from './receipts.js';
import { authorOf, borderVerdict, type Author } from './sender.js';
import { Unreadable } from './thread.js';

const SLICE = 1_048_576;
const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

const shared = new ReadingPool();

/**
 * What a mail is to us: a message; a receipt or a complaint about mail of ours; or nothing, where it is our own come back. Read in a thread
 * with limits of time and memory: a mail that exceeds them is a message all the same, with the original as its only file. Never throws for
 * what a mail holds.
 */
export async function readMail(source: Uint8Array, context: ReadContext): Promise<InboundEventInput[]> {
  const headers = readHeaders(source);
  const { config } = context;
  const author = authorOf(headers);
  const [ours, fromUs] = [bearsOurs(headers, config), isFromOurAddress(author.address, config)];
  if (ours && fromUs) return [];
  const { copy, digest } = await copied(source, headers);
  const { raw, signatures } = signaturesOf(source, { headers, author, context });
  const reading = await read(copy, { headers, signatures, context });
  const base = { dedupeKey: `mail:${(ownId(headers) ?? '').slice(0, 300)}:${digest}`, occurredAt: sentAt(headers, context) };
  const automation = automationOf(headers, author.address) ?? (ours ? 'what we wrote, come back' : null);
  const report = 'report' in reading && automation !== null ? reading.report : undefined;
  const about = report && eventsOfReport(report, { base, bounce: bounceOf(headers, author.address) }, context);
  if (about) return about;

  const doubt = author.doubt ?? (await doubtOf(author, { headers, raw, signatures, reading, context }));
  const claimed = doubt !== undefined;
  const id = ownId(headers);
  const replyTo = answeredId(headers);
  const subject = textOf(valueOf(headers, 'subject')).slice(0, 1_000);
  const { parts, quoted } = partsOf(reading, { subject, location: context.location, bytes: source.byteLength });
  const address = author.address ?? `unknown:${author.raw}`;
  return [
    {
      ...{ kind: 'message', ...base, parts },
      thread: threadOf(headers, { address, claimed, fallbackId: digest }, context),
      sender: { handles: [handleOf(author, claimed, { ...context, digest })], ...(author.name && { name: author.name }) },
      ...(subject !== '' && { subject }),
      externalIds: id === undefined ? [] : [id],
      ...(replyTo !== undefined && { replyTo }),
      ...(quoted !== '' && { quoted }),
      ...((automation !== null || fromUs) && { automated: true }),
      ...(doubt !== undefined && { metadata: { unverifiedSender: doubt } }),
    },
  ];
} // prettier-ignore

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

/** Who gives no address is nobody else who gives none. */
function handleOf({ address, raw }: Author, claimed: boolean, { accountId, digest }: ReadContext & { digest: string }) {
  if (address !== null) return { scheme: 'email', value: address, proof: claimed ? ('claimed' as const) : ('channel' as const) };
  return { scheme: 'mail-sender', scope: accountId, value: `${textOf(raw).slice(0, 250) || 'nobody'} (${digest})`, proof: 'claimed' as const };
} // prettier-ignore

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
