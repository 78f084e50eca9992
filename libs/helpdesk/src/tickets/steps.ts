import type { Message, StreamEvent } from '#normalizer';
import { shown, blocksOf, heading, said, type Block } from './blocks.js';
import { changesOf, type Changes } from './changes.js';
import { channelOf, requesterOf } from './facts.js';
import type { TicketSettings } from './settings.js';
import type { Requester, TicketCapabilities, TicketStatus } from './system.js';
import { wordsOf, type Words } from './words.js';

type Data = NonNullable<StreamEvent['data']>;

/** An entry before its files are read. */
export interface Draft {
  readonly ids: readonly string[];
  readonly kind: 'message' | 'note';
  readonly author: Requester | null;
  /** Who wrote a message, and when and how: what its heading says wherever that is not to be seen otherwise. */
  readonly by?: string;
  /** Makes a ticket where there is none. */
  readonly opens: boolean;
  readonly heading: string | null;
  readonly blocks: readonly Block[];
  readonly at: string;
  readonly status?: TicketStatus;
  /** What the event told: what a ticket that is opened by it begins with. */
  readonly data: Data;
}

/** What is to be done for an event, in order. */
export type Step =
  | { readonly kind: 'entry'; readonly draft: Draft }
  | { readonly kind: 'status'; readonly status: TicketStatus }
  | { readonly kind: 'changes'; readonly changes: Changes }
  | { readonly kind: 'erased'; readonly id: string; readonly conversationIds: readonly string[] };

/** For whom steps are made. */
export interface Reader {
  readonly destinationId: string;
  readonly settings: TicketSettings;
  readonly capabilities: TicketCapabilities;
  /** Other persons whose conversations are the same ticket (`KnownTicket.sharedWith`). */
  readonly sharedWith: readonly string[];
}

const EXCERPT = 200;
/** Longest of what was quoted, characters. */
const QUOTED = 4_000;

/** Is it an answer that was written in the ticket itself? It is nothing to its ticket, unless that is of several persons. */
export function isOwnAnswer({ type, data }: StreamEvent, { destinationId }: Pick<Reader, 'destinationId'>): boolean {
  return type === 'message.queued' && data?.message?.author.via === `destination:${destinationId}`;
}

/** What an event is to a ticket. Pure; most events are nothing. */
export function stepsOf(event: StreamEvent, reader: Reader): Step[] {
  const { data } = event;
  if (!data) return [];
  if (event.type === 'contact.erased')
    return data.erasure ? [{ kind: 'erased', id: event.id, conversationIds: data.erasure.conversationIds }] : [];
  const changes = changesOf(event);
  const changed: Step[] = changes ? [{ kind: 'changes', changes }] : [];
  if (!data.conversation) return changed;
  if (event.type.startsWith('conversation.')) return [...changed, ...stepsOfStatus(event, data, reader)];
  const draft =
    data.message && draftOf({ event, data, message: data.message, reader, words: wordsOf(reader.settings.language) });
  return draft ? [{ kind: 'entry', draft }] : [];
}

function stepsOfStatus(event: StreamEvent, data: Data, reader: Reader): Step[] {
  const status = data.via === `destination:${reader.destinationId}` ? null : statusOf(event, data);
  if (!status) return [];
  if (!reader.capabilities.statusAsNotes) return [{ kind: 'status', status }];
  const words = wordsOf(reader.settings.language);
  return [{ kind: 'entry', draft: { ...note({ event, data }, words.became[status]), status } }];
}

function statusOf({ type }: StreamEvent, { conversation, changes }: Data): TicketStatus | null {
  if (!conversation) return null;
  if (type === 'conversation.closed') return 'closed';
  const open = conversation.status === 'pending' ? 'pending' : 'open';
  if (type === 'conversation.reopened') return open;
  return type === 'conversation.updated' && changes?.includes('status') && conversation.status !== 'closed'
    ? open
    : null;
}

interface Told {
  readonly event: StreamEvent;
  readonly data: Data;
  readonly message: Message;
  readonly reader: Reader;
  readonly words: Words;
}

function draftOf(told: Told): Draft | null {
  const { event, message, words, reader } = told;
  const inbound = message.direction === 'inbound';
  const blocks = () => blocksOf(message.parts, reader.settings.language);
  switch (event.type) {
    case 'message.received':
      return theirs(told, [...blocks(), ...quoted(told)]);
    case 'message.edited':
      return inbound ? theirs(told, [heading(words.changed), ...blocks()]) : null;
    case 'message.deleted':
      return note(told, words.recalled(excerpt(message)));
    case 'message.reaction':
      return reaction(told);
    case 'message.queued':
    case 'message.sent':
    case 'message.delivered':
    case 'message.read':
      return inbound ? null : outbound(told, blocks());
    case 'message.failed':
      return inbound ? null : note(told, failure(told));
    case 'attachment.ready':
    case 'attachment.unavailable':
      return lateFile(told);
    default:
      return null;
  }
}

/** What a conversation begins with that was said elsewhere: later on the ticket has it itself. */
function quoted({ message, words }: Told): Block[] {
  const text = message.sequence === 1 ? (message.quoted ?? '').trim() : '';
  if (text === '') return [];
  const cut = text.length > QUOTED ? `${text.slice(0, QUOTED - 1).toWellFormed()}…` : text;
  return [heading(words.quoted), said(cut)];
}

/** The customer's own words. */
function theirs({ event, data, message, reader, words }: Told, blocks: readonly Block[]): Draft {
  const author = requesterOf(data);
  const severalWays = (data.conversation?.threads.length ?? 0) > 1;
  const unclear = !reader.capabilities.asCustomer || severalWays || reader.sharedWith.length > 0;
  const by = `${author.name} · ${channelOf(data)} · ${minute(message.occurredAt)}`;
  const automated = message.automated ? ` (${words.automated})` : '';
  return {
    ...{ ids: [event.id], kind: 'message', author, opens: true, blocks, at: message.occurredAt, data },
    by: by + automated,
    heading: unclear || automated ? by + automated : null,
  };
}

/** For agents only. */
function note({ event, data }: Pick<Told, 'event' | 'data'>, text: string, blocks: readonly Block[] = []): Draft {
  return {
    ...{ ids: [event.id], kind: 'note', author: null, opens: false, heading: null, at: event.timestamp, data },
    blocks: [said(text), ...blocks],
  };
}

/** An answer that was written elsewhere, as soon as it is known; and what became of any answer, where all of that is wanted. */
function outbound(told: Told, blocks: readonly Block[]): Draft | null {
  const { event, data, message, reader, words } = told;
  const { via } = message.author;
  const first = via === 'channel' ? 'message.sent' : 'message.queued';
  const channel = channelOf(data);
  if (event.type === first) {
    if (via === `destination:${reader.destinationId}`) return toOne(told);
    return note(told, words.answered(message.author.name ?? words.somebody, channel), blocks);
  }
  const ended = words.ended[message.status as keyof Words['ended']] as string | undefined;
  if (event.type === 'message.queued' || reader.settings.statusNotes !== 'all' || !ended) return null;
  return note(told, words.over(ended, channel, excerpt(message)));
}

/** Whom an answer in a ticket of several persons went to, for who wrote it. */
function toOne(told: Told): Draft | null {
  const { data, reader, words } = told;
  if (reader.sharedWith.length === 0) return null;
  return note(told, words.toOne(requesterOf(data).name, channelOf(data), words.list(reader.sharedWith)));
}

function failure({ data, message, words }: Told): string {
  const ways =
    data.conversation?.threads.filter(({ id }) => id !== message.threadId).map(({ channel }) => channel) ?? [];
  return [
    words.failed(channelOf(data), (message.failure?.message ?? message.failure?.code ?? '').replace(/\.$/, '')),
    words.itSaid(excerpt(message)),
    ...(ways.length > 0 ? [words.otherWays(words.list([...new Set(ways)]))] : []),
  ].join('\n');
}

function reaction(told: Told): Draft | null {
  const { data, message, words } = told;
  if (!data.reaction) return null;
  const { emoji, removed } = data.reaction;
  return note(told, (removed ? words.unreacted : words.reacted)(emoji, excerpt(message)));
}

function lateFile(told: Told): Draft | null {
  const { event, data, message, words } = told;
  const fileId = data.attachment?.fileId;
  const media = shown(message.parts).flatMap((part) =>
    part.type === 'media' ? part : part.type === 'card' ? (part.media ?? []) : [],
  );
  const found = media.find((part) => part.fileId === fileId);
  if (!found || message.direction !== 'inbound') return null;
  if (event.type === 'attachment.unavailable')
    return note(told, words.noFile(found.name ?? found.kind, data.attachment?.reason ?? words.gone));
  const { caption: _told, ...bare } = found;
  return theirs(told, [said(words.arrived), { media: bare }]);
}

function excerpt({ text }: Message): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT - 1).replace(/[\ud800-\udbff]$/, '')}…` : line;
}

/** A time in words: `2026-11-21 09:30 UTC`. */
function minute(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Messages that follow each other as one entry each: the ids of all, the heading where it changes. */
export function folded(steps: readonly Step[], most: number): Step[] {
  const done: Step[] = [];
  for (const step of steps) {
    const last = done.at(-1);
    if (step.kind !== 'entry' || last?.kind !== 'entry' || !fold(last.draft, step.draft, most)) done.push(step);
    else done[done.length - 1] = { kind: 'entry', draft: joined(last.draft, step.draft) };
  }
  return done;
}

function fold(a: Draft, b: Draft, most: number): boolean {
  return a.kind === 'message' && b.kind === 'message' && a.author?.id === b.author?.id && a.ids.length < most;
}

function joined(a: Draft, b: Draft): Draft {
  const told = b.heading !== null && b.heading !== a.heading ? [heading(b.heading)] : [];
  return { ...a, ids: [...a.ids, ...b.ids], blocks: [...a.blocks, ...told, ...b.blocks] };
}
