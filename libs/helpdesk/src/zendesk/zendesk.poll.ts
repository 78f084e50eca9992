import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import { z } from 'zod';
import type { HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import { answered, conversationOf, isNews, openLinked, readAnswer, statusChanged } from '../tickets/index.js';
import {
  ask,
  audits,
  credentials,
  kindOf,
  marksOf,
  tickets,
  users,
  type Audit,
  type AuditEvent,
  type Context,
  type ZendeskTicket,
} from './zendesk.api.js';

const PAGE = 100;
/** What is younger is read again: a change is to be seen a little after the time that it bears. */
const OVERLAP_MS = 60_000;
/** A ticket that was left alone for so long has nothing more to tell of its last change. */
const SETTLED_MS = 20_000;
const MOST_TOLD = 5_000;

/**
 * Tickets are read from the newest change back to `since`; `newest` is where that began, `after` where it goes on, `told` what is done with. A ticket that changes while
 * pages are gone through leaves those that are still to come: it is met by the next reading, and what was done to it before counts from `from` on.
 */
const Place = z.object({
  since: z.string(),
  from: z.string().optional(),
  newest: z.string().optional(),
  after: z.string().optional(),
  told: z.array(z.string()),
});
type Place = z.infer<typeof Place>;

/**
 * What agents did, by the tickets that changed: a list from the database, which every agent may read and which is up to date, where the incremental export
 * asks for an administrator and is a minute late.
 */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  if (cursor === null)
    return { actions: [], cursor: JSON.stringify({ since: iso(ctx.now()), told: [] } satisfies Place) };
  const place = Place.parse(JSON.parse(cursor));
  const page = await tickets(ctx, {
    ...{ sort: '-updated_at', 'page[size]': String(PAGE) },
    ...(place.after && { 'page[after]': place.after }),
  });
  const from = place.from ?? place.since;
  const fresh = page.tickets.filter(({ updated_at }) => Date.parse(updated_at) >= Date.parse(place.since));
  const actions: HelpdeskAction[] = [];
  const told = [...place.told];
  for (const one of fresh) {
    const id = `t${one.id}@${one.updated_at}`;
    if (conversationOf(one.external_id ?? '') === null || told.includes(id)) continue;
    for (const news of await newsOf(one, { since: from, told: place.told }, ctx)) {
      told.push(news.id);
      actions.push(...news.actions);
    }
    if (ctx.now() - Date.parse(one.updated_at) > SETTLED_MS) told.push(id);
  }
  const newest = place.newest ?? page.tickets[0]?.updated_at ?? place.since;
  const after = page.meta?.has_more && fresh.length === page.tickets.length ? page.meta.after_cursor : null;
  if (after) return { actions, cursor: cursorOf({ since: place.since, from, newest, after, told }), more: true };
  const back = iso(Date.parse(newest) - OVERLAP_MS);
  const since = back > place.since ? back : place.since;
  return { actions, cursor: cursorOf({ since, ...(place.after && { from }), told }) };
}

/** `ref` is the id of an attachment: the addresses of files are not for ever. */
export async function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const answer = await ask(ctx, `/attachments/${encodeURIComponent(ref)}.json`, { also: [404] });
  if (answer.status === 404) throw new ProviderFailure('recipient-gone', 'Zendesk no longer has the file');
  const { attachment } = readAnswer(z.object({ attachment: z.object({ content_url: z.url() }) }), answer);
  return openLinked(ctx, attachment.content_url, { apiBase: ctx.config.apiBase, headers: credentials(ctx.config) });
}

interface News {
  readonly id: string;
  readonly actions: readonly HelpdeskAction[];
}

/** What others than we did to a ticket and was not told yet, in its order. */
async function newsOf({ id, external_id }: ZendeskTicket, { since, told }: Place, ctx: Context): Promise<News[]> {
  const read = await audits(ctx, String(id), (all) => isPast(all, since));
  const news = (read ?? [])
    .filter((audit) => marksOf(audit) === null && audit.via?.source?.rel !== 'merge')
    .filter((audit) => isNews({ since, told, offset: 0 }, { id: `a${audit.id}`, at: audit.created_at }))
    .sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at) || a.id - b.id);
  const staff = await staffOf(news, ctx);
  const done = { ticketId: String(id), externalId: external_id };
  return news.map((audit) => ({
    id: `a${audit.id}`,
    actions: [
      ...audit.events.filter(isPublic).flatMap((event) => {
        const name = staff.get(event.author_id!);
        return name === undefined ? [] : answered({ ...done, ...answerOf(event, name) }, ctx.config);
      }),
      ...audit.events
        .filter(isMove)
        .map((event) => statusChanged({ ...done, id: String(event.id) }, kindOf(event.value))),
    ],
  }));
}

/** Does the last page lie before that time, and the next ones before it? */
function isPast(all: readonly Audit[], since: string): boolean {
  const [first, last] = [all[0]!, all.at(-1)!].map(({ created_at }) => Date.parse(created_at)) as [number, number];
  return first > last && last < Date.parse(since);
}

/** The names of those who answered and are agents: what a customer writes by mail or form is no answer. */
async function staffOf(news: readonly Audit[], ctx: Context): Promise<ReadonlyMap<number, string | null>> {
  const ids = new Set(news.flatMap(({ events }) => events.filter(isPublic).map(({ author_id }) => author_id)));
  if (ids.size === 0) return new Map();
  const found = await users(ctx, `show_many.json?ids=${[...ids].join(',')}`);
  return new Map(
    found.flatMap(({ id, name, role }) =>
      id && (role === 'agent' || role === 'admin') ? [[id, name ?? null] as const] : [],
    ),
  );
}

function isPublic({ type, public: shown, author_id }: AuditEvent): boolean {
  return type === 'Comment' && shown === true && typeof author_id === 'number';
}

function isMove({ type, field_name, value, previous_value }: AuditEvent): boolean {
  return type === 'Change' && field_name === 'status' && kindOf(value) !== kindOf(previous_value);
}

function answerOf({ id, author_id, body, html_body, attachments }: AuditEvent, name: string | null) {
  return {
    ...{ id: String(id), author: { id: String(author_id), name } },
    ...(html_body ? { html: html_body } : { text: body }),
    files: attachments.map(({ id: file, file_name, content_type: mimeType }) => ({
      ref: String(file),
      name: file_name,
      ...(mimeType && { mimeType }),
    })),
  };
}

function cursorOf(place: Place): string {
  return JSON.stringify({ ...place, told: place.told.slice(-MOST_TOLD) });
}

function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
