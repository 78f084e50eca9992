import type { Found } from './mime.js';

/** What a machine reports of mail that we sent, as its mail has it (RFC 3464, RFC 8098, RFC 5965). */
export interface Report {
  readonly kind: 'delivery' | 'disposition' | 'complaint' | 'unstructured';
  /** Ids that the report, or what it returns of the mail, names: likely ones first. */
  readonly ids: readonly string[];
  /** Delivery: one for each recipient. `addresses`: whom the mail was for, and whom it went to in the end (`final`), as far as it says. */
  readonly recipients: readonly { readonly addresses: readonly string[]; readonly final: string; readonly action: string; readonly status: string; readonly diagnostic: string }[];
  /** Delivery: the id of the envelope (RFC 3464 section 2.2.1). */
  readonly envelopeId: string;
  /** Addresses that its words, or the head of what it returns, name. */
  readonly named: readonly string[];
  /** Disposition: `displayed`, `deleted`, ... Complaint: `abuse`, ... */
  readonly said: string;
  /** Complaint: whose. Disposition: who read it. */
  readonly address: string;
} // prettier-ignore

const SEARCHED = 131_072;
const MOST_RECIPIENTS = 50;
const MOST_NAMED = 20;
/** The ids that we give to mail: a reply token and what makes it unique. */
const OURS = /\bt\.(?:[a-z2-7]{20}|-)\.[a-z2-7]{4}\.[a-z2-7]{16}\.[a-z2-7]{1,26}@[a-z0-9.-]{1,253}[a-z0-9]/gi;

/** Ids of ours that stand anywhere in a text. */
export const ourIds = (text: string): string[] => [...new Set(text.slice(0, SEARCHED).match(OURS) ?? [])].slice(0, 20);

/** Reads what the parts of a report say; undefined where the mail is none. `text`: what it says to people, where it may name our id. */
export function readReport(files: readonly Found[], text: string): Report | undefined {
  const part = (...types: string[]) => files.find(({ mimeType }) => types.includes(mimeType));
  const delivery = part('message/delivery-status', 'message/global-delivery-status');
  const disposition = part('message/disposition-notification', 'message/global-disposition-notification');
  const complaint = part('message/feedback-report');
  const returned = files.filter(({ mimeType }) =>
    /^(?:message\/(?:rfc822|global)|text\/rfc822-headers)/.test(mimeType),
  );
  const heads = returned.map((file) => headOf(textOf(file)));
  const named = heads.flatMap((head) => idIn(field(head, 'message-id')));
  // Servers that can (RFC 3461) name the id of the envelope among what they say of the delivery.
  const others = ourIds([text, ...[delivery ?? [], returned].flat().map(textOf)].join('\n'));
  const ids = [...new Set([...named, ...others])];
  const addresses = addressesIn([...heads.map((head) => field(head, 'to')), text].join('\n'));
  const base = { ids, recipients: [], envelopeId: '', named: addresses, said: '', address: '' };
  if (delivery) return { ...base, kind: 'delivery', ...deliveryOf(textOf(delivery)) };
  if (disposition) return { ...base, kind: 'disposition', ...dispositionOf(textOf(disposition), base.ids) };
  if (complaint) return { ...base, kind: 'complaint', ...complaintOf(textOf(complaint), heads) };
  return base.ids.length > 0 ? { ...base, kind: 'unstructured', said: text.slice(0, 2_000) } : undefined;
}

function deliveryOf(status: string): Pick<Report, 'recipients' | 'envelopeId'> {
  return { recipients: recipientsOf(status), envelopeId: field(status, 'original-envelope-id').slice(0, 500) };
}

function recipientsOf(status: string): Report['recipients'] {
  const blocks = status.split(/\r?\n\s*\r?\n/).filter((block) => /^(?:final|original)-recipient:/im.test(block));
  return blocks.slice(0, MOST_RECIPIENTS).map((block) => ({
    addresses: ['original-recipient', 'final-recipient'].map((name) => addressIn(field(block, name))).filter(Boolean),
    final: addressIn(field(block, 'final-recipient')),
    action: field(block, 'action').toLowerCase().split(/[\s(;]/)[0]!,
    status: /\d\.\d{1,3}\.\d{1,3}/.exec(field(block, 'status'))?.[0] ?? '',
    diagnostic: field(block, 'diagnostic-code').slice(0, 500),
  }));
} // prettier-ignore

function dispositionOf(text: string, others: readonly string[]): Pick<Report, 'ids' | 'said' | 'address'> {
  const said = /;\s*([a-z-]+)/i.exec(field(text, 'disposition'))?.[1]?.toLowerCase() ?? '';
  const address = addressIn(field(text, 'original-recipient') || field(text, 'final-recipient'));
  return { ids: [...new Set([...idIn(field(text, 'original-message-id')), ...others])], said, address };
}

function complaintOf(text: string, heads: readonly string[]): Pick<Report, 'said' | 'address'> {
  const of = field(text, 'original-rcpt-to') || heads.map((head) => field(head, 'to')).find(Boolean) || '';
  return { said: field(text, 'feedback-type').toLowerCase(), address: addressIn(of) };
}

const textOf = ({ content }: Found): string => Buffer.from(content as Uint8Array).toString('utf8', 0, SEARCHED);
const headOf = (text: string): string => text.slice(0, Math.max(0, text.search(/\r?\n\r?\n/)) || text.length);
const idIn = (value: string): string[] =>
  value
    .replace(/\s/g, '')
    .match(/[^<>]{3,500}/)
    ?.slice(0, 1) ?? [];
const addressIn = (value: string): string => /[^\s;<>"]+@[^\s;<>"]+/.exec(value)?.[0] ?? '';

function addressesIn(text: string): string[] {
  const found = text
    .slice(0, SEARCHED)
    .matchAll(/[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9\p{L}.-]{1,253}[a-z0-9\p{L}]/giu);
  return [...new Set([...found].map(([address]) => address))].slice(0, MOST_NAMED);
}

/** The value of a field in a block of header-like lines, unfolded. */
function field(block: string, name: string): string {
  return (
    new RegExp(`^${name}:[ \\t]*(.*(?:\\r?\\n[ \\t].*)*)`, 'im').exec(block)?.[1]?.replace(/\s+/g, ' ').trim() ?? ''
  );
}
