import type { MediaStream } from '#transport';
import { z } from 'zod';
import type { HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import { answered, openLinked, statusChanged, type Answer } from '../tickets/index.js';
import {
  conversations,
  credentials,
  messages,
  OUTGOING,
  type Context,
  type Conversation,
  type Message,
} from './chatwoot.api.js';
import { BEARS, lookAt, type SeenStatus } from './chatwoot.status.js';

/** What is younger is looked at again, seconds. */
const OVERLAP_S = 60;
/** More than people do, and conversations than are busy, within the overlap. */
const MOST_TOLD = 2_000;
const MOST_SEEN = 2_000;
const PAGE_OF_MESSAGES = 20;

const Place = z.object({
  /** How far was looked, seconds; of the pass that is under way: its page, and where the next one begins. */
  since: z.number(),
  /** A conversation that changes while pages are gone through leaves those still to come: in the next pass its messages count from here on. */
  from: z.number().optional(),
  page: z.int().positive(),
  next: z.number(),
  told: z.array(z.int()),
  seen: z.array(z.tuple([z.int(), z.enum(['open', 'pending', 'closed']), z.string()])),
});
type Place = z.infer<typeof Place>;

/** What agents did: looks from the conversation that changed last back to those that did not change since the pass before. */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  if (cursor === null) {
    const since = Math.floor(ctx.now() / 1000);
    return { actions: [], cursor: JSON.stringify({ since, page: 1, next: since, told: [], seen: [] } satisfies Place) };
  }
  const place = Place.parse(JSON.parse(cursor));
  const found = await conversations(ctx, place.page);
  const changed = found.filter(({ last_activity_at: at }) => at >= place.since);
  const [actions, told]: [HelpdeskAction[], number[]] = [[], [...place.told]];
  const seen = new Map(place.seen.map(([id, ...rest]) => [id, rest] as const));
  for (const one of changed) {
    const externalId = one.custom_attributes?.[BEARS];
    if (typeof externalId !== 'string') continue;
    for (const message of await news(one, { place, ctx })) {
      told.push(message.id);
      actions.push(...answered(answerOf(message, { ticketId: String(one.id), externalId }), ctx.config));
    }
    actions.push(...statusOf(one, { externalId, seen, now: ctx.now() }));
  }
  const next = Math.max(place.next, ...changed.map(({ last_activity_at: at }) => Math.floor(at)));
  const more = found.length > 0 && changed.length === found.length;
  const on = more ? { since: place.since, from: place.from, page: place.page + 1, next } : pass(place, next);
  const kept = { told: told.slice(-MOST_TOLD), seen: [...seen].slice(-MOST_SEEN).map(([id, rest]) => [id, ...rest]) };
  return { actions, cursor: JSON.stringify({ ...on, ...kept }), more };
}

/** `ref` is the address that Chatwoot gave; it leads on to where the files are kept. */
export function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  return openLinked(ctx, ref, { apiBase: ctx.config.apiBase, headers: credentials(ctx) });
}

function pass({ since, page }: Place, next: number): Pick<Place, 'since' | 'from' | 'page' | 'next'> {
  const begins = Math.max(since, next - OVERLAP_S);
  return { since: begins, ...(page > 1 && { from: since }), page: 1, next: begins };
}

/** Public answers that were not told yet, the oldest first. We ourselves write none: the customer's words come in, notes are private. */
async function news({ id }: Conversation, { place, ctx }: { place: Place; ctx: Context }): Promise<Message[]> {
  const from = place.from ?? place.since;
  const found: Message[] = [];
  for (let before: number | undefined; ;) {
    const page = (await messages(ctx, String(id), before)) ?? [];
    found.unshift(...page.filter((one) => one.created_at >= from && isAnswer(one)));
    if (page.length < PAGE_OF_MESSAGES || page[0]!.created_at < from) break;
    before = page[0]!.id;
  }
  return found.filter((one) => !place.told.includes(one.id));
}

function isAnswer({ message_type, private: isPrivate, content_attributes }: Message): boolean {
  return message_type === OUTGOING && !isPrivate && !content_attributes?.deleted;
}

function answerOf(
  { id, content, sender, attachments }: Message,
  place: Pick<Answer, 'ticketId' | 'externalId'>,
): Answer {
  return {
    ...{ ...place, id: String(id), text: content && plain(content) },
    author: { id: sender?.id ? String(sender.id) : null, name: sender?.name },
    files: attachments.flatMap(({ data_url }) => (data_url ? { ref: data_url, ...nameIn(data_url) } : [])),
  };
}

/** What Markdown says, as people would write it: the editor of Chatwoot makes some, and keeps signs that are none by a backslash. */
function plain(markdown: string): string {
  return markdown
    .replace(/\\\n/g, '\n')
    .replace(/\[([^\]\n]{1,1000})\]\((https?:[^)\s]{1,2000})\)/g, (_, words: string, url: string) =>
      words === url ? url : `${words} (${url})`,
    )
    .replace(/(\*\*|__)(\S(?:[^\n]{0,2000}?\S)?)\1/g, '$2')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1');
}

/** Chatwoot tells the name of a file by its address alone. */
function nameIn(url: string): { name?: string } {
  try {
    const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
    return name ? { name } : {};
  } catch {
    return {};
  }
}

function statusOf(
  one: Conversation,
  { externalId, seen, now }: { externalId: string; seen: Map<number, SeenStatus>; now: number },
): HelpdeskAction[] {
  const { seen: current, byOthers } = lookAt(one, seen.get(one.id), now);
  seen.delete(one.id);
  seen.set(one.id, current);
  const done = { id: `${one.id}:${current[0]}:${one.last_activity_at}`, ticketId: String(one.id), externalId };
  return byOthers ? [statusChanged(done, current[0])] : [];
}
