import type { Contact, Conversation, Handle, StreamEvent } from '#normalizer';
import { heading, type Rendered } from './blocks.js';
import { escapeHtml, link } from './html.js';
import type { Fact, FactKey, Requester } from './system.js';
import type { Words } from './words.js';

type Data = NonNullable<StreamEvent['data']>;

/** The customer of an event, as ticket systems get to know them. */
export function requesterOf({ contact, message, conversation }: Data): Requester {
  const proven = (scheme: string) =>
    contact?.handles.find((one) => one.scheme === scheme && one.proof !== 'claimed')?.value;
  const [email, phone] = [proven('email'), proven('phone')];
  const wrote = message?.direction === 'inbound' ? message.author.name : null;
  return {
    id: contact?.id ?? conversation?.contactId ?? conversation?.id ?? 'unknown',
    name: wrote ?? contact?.name ?? email ?? phone ?? addressOf(contact?.handles[0]),
    ...(email && { email }),
    ...(phone && { phone }),
    ...(contact?.company && { company: contact.company.name }),
    ...(contact?.company?.level && { level: contact.company.level }),
  };
}

/** A name for who has none: the end of a visitor's long number tells them apart. */
function addressOf(handle: Handle | undefined): string {
  if (!handle) return 'Customer';
  return handle.scheme === 'visitor' ? `Visitor ${handle.value.slice(-6)}` : handle.value;
}

/** What people call the channel that an event came over. */
export function channelOf({ account }: Data): string {
  return account ? (account.name ?? account.channel) : 'API';
}

/** Everything that is known of a conversation, in words. */
export function factsOf(data: Data, words: Words, url: string): Fact[] {
  const { contact, conversation } = data;
  const fact = (key: FactKey, value: string | null | undefined, label = words.facts[key]): Fact[] =>
    value ? [{ key, label, value }] : [];
  return [
    ...fact('contact', contact?.name),
    ...(contact?.handles ?? []).flatMap((handle) => fact('handle', handleWords(handle, words))),
    ...ofCompany(contact, fact),
    ...fact('crm', contact?.crm && (contact.crm.url ?? contact.crm.id)),
    ...fact('channel', channelOf(data)),
    ...(conversation ? ofConversation(conversation, { fact, words }) : []),
    ...fact('link', url),
  ];
}

type Make = (key: FactKey, value: string | null | undefined, label?: string) => Fact[];

function ofCompany(contact: Contact | undefined, fact: Make): Fact[] {
  const { company } = contact ?? {};
  if (!company) return [];
  return [
    ...fact('company', company.name),
    ...fact('level', company.level),
    ...fact('products', company.products?.join(', ')),
  ];
}

function ofConversation(
  { priority, queue, tags, metadata }: Conversation,
  { fact, words }: { fact: Make; words: Words },
): Fact[] {
  const told = Object.entries(metadata).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return [
    ...fact('priority', priority === 'normal' ? null : priority),
    ...fact('queue', queue),
    ...fact('tags', tags.join(', ')),
    ...told.flatMap(([name, value]) => fact('said', String(value), `${words.facts.said} (${name})`)),
  ];
}

function handleWords({ scheme, value, proof }: Handle, { claimed }: Words): string {
  return `${scheme} ${value}${proof === 'claimed' ? ` (${claimed})` : ''}`;
}

/** The facts as one piece, a line each. */
export function factLines(facts: readonly Fact[], words: Words): Rendered {
  const title = heading(words.about);
  const items = facts.map(({ label, value }) => `<li>${escapeHtml(label)}: ${link(value, value)}</li>`);
  return {
    text: [title.text, ...facts.map(({ label, value }) => `${label}: ${value}`)].join('\n'),
    html: `${title.html}<ul>${items.join('')}</ul>`,
  };
}
