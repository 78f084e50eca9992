import type { MediaStream } from '#transport';
import { z } from 'zod';
import type { AnswerFile, HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import { answered, conversationOf, openAt, statusChanged, type Answer } from '../tickets/index.js';
import { issue, issues, me, statuses, type Context, type Issue, type Journal, type Status } from './redmine.api.js';
import type { RedmineConfig } from './redmine.config.js';
import { kindOf } from './redmine.status.js';

const PAGE = 100;
/** Times are of seconds, and of when a change began, not of when it was to be seen: what is younger is read again. */
const OVERLAP_MS = 60_000;
/** More notes than agents write within the overlap. */
const MOST_TOLD = 2_000;

/** `told`: the notes since then that are told already. */
const Cursor = z.object({ since: z.string(), offset: z.int().nonnegative(), told: z.array(z.int()).default([]) });
type Cursor = z.infer<typeof Cursor>;

/**
 * What agents did: Redmine calls nobody, so the issues that changed are read by the time of their change. Public notes of anybody but us are answers, private
 * ones never are.
 */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  if (cursor === null) return { actions: [], cursor: at({ since: seconds(ctx.now()), offset: 0, told: [] }) };
  const place = Cursor.parse(JSON.parse(cursor));
  const filter = { updated_on: `>=${place.since}`, status_id: '*', sort: 'updated_on:asc,id:asc' };
  const page = { limit: String(PAGE), offset: String(place.offset) };
  const changed = await issues(ctx, new URLSearchParams({ ...filter, ...page }));
  const ours = changed.filter(({ description }) => externalIdOf(description) !== null);
  const news: News[] = [];
  if (ours.length > 0) {
    const [self, all] = await Promise.all([me(ctx), statuses(ctx)]);
    for (const { id } of ours) {
      const found = await issue(ctx, String(id));
      for (const journal of found?.journals ?? [])
        if (journal.user?.id !== self.id && journal.created_on >= place.since && !place.told.includes(journal.id))
          news.push({ journal, actions: actionsOf(journal, found!, { ctx, all }) });
    }
  }
  return { actions: news.flatMap(({ actions }) => actions), ...next(place, changed, news) };
}

interface News {
  readonly journal: Journal;
  readonly actions: readonly HelpdeskAction[];
}

/** `ref` is the path of a file below its address for downloads. */
export function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const { apiBase, apiKey } = ctx.config;
  return openAt(ctx, { url: `${apiBase}/attachments/download/${ref}`, headers: { 'x-redmine-api-key': apiKey } });
}

function actionsOf(
  journal: Journal,
  found: Issue,
  { ctx, all }: { ctx: Context; all: readonly Status[] },
): HelpdeskAction[] {
  const done = { id: String(journal.id), ticketId: String(found.id), externalId: externalIdOf(found.description) };
  const moved = journal.details.findLast(({ property, name }) => property === 'attr' && name === 'status_id');
  const status = moved && kindOf(moved.new_value ?? '', all, ctx.config);
  return [
    ...(isAnswer(journal, ctx.config) ? answered(answerOf(journal, found, done), ctx.config) : []),
    ...(status ? [statusChanged(done, status)] : []),
  ];
}

function answerOf(journal: Journal, found: Issue, done: Pick<Answer, 'id' | 'ticketId' | 'externalId'>): Answer {
  const { user, notes } = journal;
  return {
    ...done,
    text: notes,
    author: { id: user && String(user.id), name: user?.name },
    files: filesOf(journal, found),
  };
}

/** Files that come without a word are rather for the agents themselves. */
function isAnswer({ notes, private_notes }: Journal, { sendFilesAlone }: RedmineConfig): boolean {
  return !private_notes && ((notes ?? '').trim() !== '' || sendFilesAlone);
}

function filesOf({ details }: Journal, { attachments }: Issue): AnswerFile[] {
  return details.flatMap(({ property, name, new_value }) => {
    const found =
      property === 'attachment' && new_value ? attachments.find(({ id }) => String(id) === name) : undefined;
    if (!found) return [];
    const { id, filename, content_type: mimeType } = found;
    return { ref: `${id}/${encodeURIComponent(filename)}`, name: filename, ...(mimeType && { mimeType }) };
  });
}

/** The external id in the last line of what an issue began with; null for issues of others. */
function externalIdOf(description: string | null | undefined): string | null {
  const [id = ''] = /\[([^\][]+)\]\s*$/.exec(description ?? '')?.[1]?.split(' ') ?? [];
  return conversationOf(id) === null ? null : id;
}

/** On through a page that was full; then back by the overlap, with what was told within it. */
function next(place: Cursor, changed: readonly Issue[], news: readonly News[]): { cursor: string; more?: boolean } {
  const last = changed.at(-1)?.updated_on ?? place.since;
  const told = [...place.told, ...news.map(({ journal }) => journal.id)].slice(-MOST_TOLD);
  if (changed.length === PAGE) {
    const on = last > place.since ? { since: last, offset: 0 } : { since: place.since, offset: place.offset + PAGE };
    return { cursor: at({ ...on, told }), more: true };
  }
  const back = seconds(Date.parse(last) - OVERLAP_MS);
  return { cursor: at({ since: back > place.since ? back : place.since, offset: 0, told }) };
}

function at(cursor: Cursor): string {
  return JSON.stringify(cursor);
}

function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
