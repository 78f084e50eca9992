import { emailAddress } from '#normalizer';
import { mailboxesOf, textOf, valuesOf, type Headers } from './headers.js';

/** Who a mail says it is from. */
export interface Author {
  /** The one address of the one From, in the form by which addresses are compared; null where there is no such. */
  readonly address: string | null;
  readonly name: string | undefined;
  /** Why nobody could vouch for it: more than one From or address, groups, nothing that is an address. */
  readonly doubt: string | undefined;
  /** What stood there, where it is no address. */
  readonly raw: string;
  /** The same, decoded for people. */
  readonly said: string;
}

/** Reads From and nothing else: Reply-To, Sender and Return-Path are what anybody likes, also where From is good for nothing. */
export function authorOf(headers: Headers): Author {
  const values = valuesOf(headers, 'from');
  const read = values.map((value) => mailboxesOf(value));
  const mailboxes = read.flatMap((entry) => entry.mailboxes);
  const addresses = mailboxes.map(({ address }) => emailAddress(address));
  const first = addresses.findIndex((address) => address !== null);
  const raw = values[0]?.slice(0, 300) ?? '';
  const said = textOf(raw);
  if (first < 0) return { address: null, name: undefined, doubt: 'no From address', raw, said };
  const doubt =
    values.length > 1
      ? 'more than one From'
      : mailboxes.length > 1 || isAmbiguous(values[0]!)
        ? 'more than one address in From'
        : !headers.whole
          ? 'more of a head than is read'
          : read[0]!.group
            ? 'a group in From'
            : undefined;
  return { address: addresses[first]!, name: mailboxes[first]!.name.slice(0, 500) || undefined, doubt, raw, said };
}

/** Something follows what is in angle brackets, or stands in them twice: which address it is, each reader decides for itself. */
function isAmbiguous(value: string): boolean {
  const bare = withoutComments(value).replace(/"(?:[^"\\]|\\.)*"/g, '');
  return />[^,;]*[^,;\s]|<[^<>]*</.test(bare);
}

/** What the receiving server of ours found of DMARC; null where it said nothing. */
export interface Verdict {
  readonly result: string;
  readonly domain: string;
}

/**
 * The DMARC result of our own border: that of the topmost Authentication-Results under a name of `servers` (RFC 8601 section 5). One below a
 * hop that is not ours came with the mail, whatever name it bears, and is none.
 */
export function borderVerdict(headers: Headers, servers: readonly string[]): Verdict | null {
  let entered = false;
  for (const [name, value] of headers.all) {
    if (name === 'received') {
      const hop = hopOf(value, servers);
      if (hop === 'foreign' || (entered && hop === 'unnamed')) return null;
      entered ||= hop === 'ours';
    }
    if (name !== 'authentication-results') continue;
    const [id = '', ...results] = withoutComments(value).split(';');
    if (!servers.includes(id.trim().split(/\s+/)[0]!.toLowerCase())) continue;
    return dmarcOf(results);
  }
  return null;
}

/** Results that say nothing of the sender: the domain publishes no policy, or it could not be looked up (RFC 8601 section 2.7.1). */
const SILENT = new Set(['none', 'temperror']);

/**
 * What it says of DMARC, which it says once: whoever sends can put a semicolon into the name of their host or the address of the envelope,
 * which some servers repeat as they stand, but no white space.
 */
function dmarcOf(results: readonly string[]): Verdict | null {
  const said = results.flatMap((result) => {
    const [, value] = /^\s*dmarc(?:\/\d+)?\s*=\s*([a-z]*)/i.exec(result) ?? [];
    if (value === undefined) return [];
    const [, domain = ''] = /\sheader\.from\s*=\s*"?([^\s;"]+)/i.exec(result) ?? [];
    return [{ result: value.toLowerCase(), domain: domain.toLowerCase().replace(/^.*@/, '') }];
  });
  const [first] = said;
  if (!first || SILENT.has(first.result)) return null;
  return said.length > 1 ? { ...first, result: 'said more than once' } : first;
}

/** Whose server took the mail at a hop: one of a name beside ours, one that gives only an address (servers within), or another one. */
function hopOf(received: string, servers: readonly string[]): 'ours' | 'unnamed' | 'foreign' {
  const host = /(?:^|\s)by\s+\[?([^\s;()[\]]+)/i.exec(withoutComments(received))?.[1]?.toLowerCase().replace(/\.$/, '') ?? '';
  if (host === '' || host === 'localhost' || !/[g-z]/.test(host.replace(/^.*\./, ''))) return 'unnamed';
  const family = servers.map((server) => (server.split('.').length > 2 ? server.replace(/^[^.]+\./, '') : server));
  return family.some((domain) => host === domain || host.endsWith(`.${domain}`)) ? 'ours' : 'foreign';
} // prettier-ignore

/** A header value without its comments (RFC 5322 section 3.2.2), in which anybody may write anything, as in quotes. */
function withoutComments(value: string): string {
  let [text, depth, quoted] = ['', 0, false];
  for (let i = 0; i < Math.min(value.length, 16_384); i += 1) {
    const character = value[i]!;
    if (character === '\\') {
      if (depth === 0) text += value.slice(i, i + 2);
      i += 1;
    } else if (character === '"' && depth === 0) {
      quoted = !quoted;
      text += character;
    } else if (character === '(' && !quoted) depth += 1;
    else if (character === ')' && !quoted && depth > 0) depth -= 1;
    else if (depth === 0) text += quoted && character === ';' ? '_' : character;
  }
  return text;
}
