import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { canonicalHeader, type Canonical, type RawHeader } from './canonical.js';
import type { ResolveTxt } from './resolve.js';

/** A DKIM signature that could vouch for the author, as its header says (RFC 6376 section 3.5). */
export interface Signature {
  readonly header: RawHeader;
  readonly tags: ReadonlyMap<string, string>;
  readonly domain: string;
  readonly canonical: { readonly header: Canonical; readonly body: Canonical };
}

const MOST_SIGNATURES = 5;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9_])?)+$/;
const SELECTOR = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,5}$/;
const ALGORITHMS = new Set(['rsa-sha256', 'ed25519-sha256']);
const SMALLEST_RSA = 1_024;

/**
 * The signatures of a mail that are aligned with the domain of its author (`author`, the domain of From): of that domain itself or of one above
 * it. Those of a domain below say nothing of the one above, and nobody here knows where organizations end.
 */
export function alignedSignatures(headers: readonly RawHeader[], author: string, now: number): Signature[] {
  return headers
    .filter(({ name }) => name === 'dkim-signature')
    .slice(0, MOST_SIGNATURES)
    .flatMap((header) => readSignature(header, now) ?? [])
    .filter(({ domain }) => author === domain || author.endsWith(`.${domain}`));
}

function readSignature(header: RawHeader, now: number): Signature | undefined {
  const tags = tagsOf(header.line.slice(header.line.indexOf(':') + 1));
  const tag = (name: string) => tags.get(name) ?? '';
  const domain = tag('d').toLowerCase();
  const [head, body = 'simple'] = (tags.get('c') ?? 'simple').toLowerCase().split('/');
  const signer = tags.get('i')?.toLowerCase().split('@').at(-1);
  const sound =
    tag('v') === '1' &&
    ALGORITHMS.has(tag('a').toLowerCase()) &&
    DOMAIN.test(domain) &&
    SELECTOR.test(tag('s').toLowerCase()) &&
    (signer === undefined || signer === domain || signer.endsWith(`.${domain}`)) &&
    isCanonical(head) &&
    isCanonical(body) &&
    signedNames(tags).includes('from') &&
    // Whoever signs only a part of the body vouches for none of what follows it.
    !tags.has('l') &&
    !(Number(tags.get('x')) * 1_000 < now);
  return sound ? { header, tags, domain, canonical: { header: head, body } } : undefined;
}

/** Is a signature genuine? `hashes`: those of the body. Throws what `resolve` does. */
export async function isGenuine(
  { header, tags, domain, canonical }: Signature,
  { headers, hashes, resolve }: { headers: readonly RawHeader[]; hashes: Partial<Record<Canonical, string>>; resolve: ResolveTxt },
): Promise<boolean> {
  if (tags.get('bh')?.replace(/\s/g, '') !== hashes[canonical.body]) return false;
  const records = await resolve(`${tags.get('s')!.toLowerCase()}._domainkey.${domain}`);
  const [type] = tags.get('a')!.toLowerCase().split('-');
  const key = records.slice(0, 5).flatMap((record) => publicKey(record, type!, tags) ?? [])[0];
  if (!key) return false;
  const data = Buffer.from(signedText(headers, { header, tags, canonical: canonical.header }), 'latin1');
  const signature = Buffer.from(tags.get('b') ?? '', 'base64');
  if (type === 'rsa') return verify('sha256', data, key, signature);
  return verify(null, createHash('sha256').update(data).digest(), key, signature);
} // prettier-ignore

function publicKey(record: string, type: string, signature: ReadonlyMap<string, string>): KeyObject | undefined {
  const tags = tagsOf(record);
  const flags = (tags.get('t') ?? '').split(':').map((flag) => flag.trim());
  const strict = flags.includes('s') && (signature.get('i')?.split('@').at(-1) ?? signature.get('d')) !== signature.get('d');
  const hashes = tags.get('h')?.toLowerCase().split(':').map((hash) => hash.trim()); // prettier-ignore
  const unfit = (tags.get('v') ?? 'DKIM1') !== 'DKIM1' || (tags.get('k') ?? 'rsa') !== type || flags.includes('y') || strict || (hashes && !hashes.includes('sha256'));
  const bytes = Buffer.from(tags.get('p') ?? '', 'base64');
  if (unfit || bytes.length === 0) return undefined;
  try {
    const key = type === 'rsa' ? rsaKey(bytes) : createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
    return type === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < SMALLEST_RSA ? undefined : key;
  } catch {
    return undefined;
  }
} // prettier-ignore

/** In SubjectPublicKeyInfo, as all publish it, or in the plain form that the RFC names (RFC 6376 erratum 3017). */
function rsaKey(key: Buffer): KeyObject {
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    return createPublicKey({ key, format: 'der', type: 'pkcs1' });
  }
}

/** The signed headers, each time the next one from below, then the signature's own without what it says (RFC 6376 section 3.7). */
function signedText(headers: readonly RawHeader[], { header, tags, canonical }: { header: RawHeader; tags: ReadonlyMap<string, string>; canonical: Canonical }): string {
  const left = headers.filter((other) => other !== header);
  const lines: string[] = [];
  for (const name of signedNames(tags)) {
    const at = left.findLastIndex((other) => other.name === name);
    if (at >= 0) lines.push(`${canonicalHeader(left.splice(at, 1)[0]!, canonical)}\r\n`);
  }
  const bare = header.line.replace(/(^[^:]*:|;)(\s*b\s*=)[^;]*/, '$1$2');
  return `${lines.join('')}${canonicalHeader({ ...header, line: bare }, canonical)}`;
} // prettier-ignore

const isCanonical = (word: string | undefined): word is Canonical => word === 'simple' || word === 'relaxed';
const signedNames = (tags: ReadonlyMap<string, string>): string[] =>
  (tags.get('h') ?? '').toLowerCase().split(':').map((name) => name.trim()).slice(0, 200); // prettier-ignore

/** `name=value; ...` (RFC 6376 section 3.2). The first of two stands. */
function tagsOf(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const pair of text.split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim();
    if (name !== '' && !tags.has(name)) tags.set(name, pair.slice(equals + 1).trim());
  }
  return tags;
}
