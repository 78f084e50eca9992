import { domainToASCII } from 'node:url';

const ATOM = /^[^\s\p{Cc}"(),:;<>@[\\\]]+$/u;
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"$/u;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * One mail address in the form by which it is compared, or null where the text is not exactly one bare address. Local part in NFC and
 * lower case (RFC 5321 lets hosts tell case apart; none that people use does); domain in lower case, internationalized ones in their
 * ASCII form. Dots and `+tags` are kept: only the host knows what they mean.
 */
export function emailAddress(text: string): string | null {
  const address = text.normalize('NFC').trim();
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(at, 0));
  if (!ATOM.test(local) && !QUOTED.test(local)) return null;
  const domain = mailDomain(address.slice(at + 1));
  return domain && `${local.toLowerCase()}@${domain}`;
}

/** Plain ASCII is checked as it stands: a URL parser would take `%65x.com` and `0x7f.1` for hosts of other names. */
function mailDomain(text: string): string | null {
  const bare = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const ascii = /^[\x21-\x7e]*$/.test(bare) ? bare : /[\s%/?#:@\\]/.test(bare) ? '' : domainToASCII(bare);
  const labels = ascii.split('.');
  const named = !/^\d+$/.test(labels.at(-1) ?? '');
  return ascii.length <= 253 && named && labels.every((label) => LABEL.test(label)) ? ascii : null;
}
