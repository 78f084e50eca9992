import type { MediaStream } from '#transport';
import type { AnswerFile, HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import {
  answered,
  endsMarked,
  isNews,
  openAt,
  statusChanged,
  sweepBegins,
  sweepFrom,
  sweepOn,
  unlessHuge,
  withoutQuotes,
  type Answer,
  markedId,
} from '../tickets/index.js';
import {
  agentsOf,
  issue,
  issues,
  me,
  statuses,
  type Context,
  type Issue,
  type Journal,
  type Status,
} from './redmine.api.js';
import type { RedmineConfig } from './redmine.config.js';
import { kindOf } from './redmine.status.js';

const PAGE = 100;
/** Redmine takes notes by mail from whom it is told to, up to anybody: who may not edit issues is a customer or a stranger. */
const NO_AGENT = {
  code: 'unauthorized',
  message: 'the note is of nobody who is a member of the project with a role that may edit issues',
} as const;

/**
 * What agents did: Redmine calls nobody, so the issues that changed are read by the time of their change. Public notes of anybody but us are answers, private
 * ones never are.
 */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  const place = sweepFrom(cursor);
  if (!place) return { actions: [], cursor: sweepBegins(ctx.now()) };
  const filter = { updated_on: `>=${place.since}`, status_id: '*', sort: 'updated_on:asc,id:asc' };
  const page = { limit: String(PAGE), offset: String(place.offset) };
  const changed = await issues(ctx, new URLSearchParams({ ...filter, ...page }));
  const marked = changed.filter(({ description }) => markedId(description) !== null);
  const [actions, told]: [HelpdeskAction[], string[]] = [[], []];
  if (marked.length > 0) {
    const [self, all] = await Promise.all([me(ctx), statuses(ctx)]);
    // Who copies an issue, as into a project of their own, copies its mark as well.
    const ours = marked.filter(({ author }) => author?.id === self.id);
    const agents = new Map<number, ReadonlySet<number>>();
    for (const { id } of ours) {
      const found = await unlessHuge(issue(ctx, String(id)));
      for (const journal of found?.journals ?? []) {
        if (isOurs(journal, self.id) || !isNews(place, { id: String(journal.id), at: journal.created_on })) continue;
        const { project } = found!;
        if (!agents.has(project.id)) agents.set(project.id, new Set([self.id, ...(await agentsOf(ctx, project.id))]));
        told.push(String(journal.id));
        actions.push(...actionsOf(journal, found!, { ctx, all, agents: agents.get(project.id)! }));
      }
    }
  }
  return { actions, ...sweepOn(place, { changed: changed.map(({ updated_on }) => updated_on), size: PAGE, told }) };
}

/** `ref` is the path of a file below its address for downloads. */
export function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const { apiBase, apiKey } = ctx.config;
  return openAt(ctx, { url: `${apiBase}/attachments/download/${ref}`, headers: { 'x-redmine-api-key': apiKey } });
}

/** What we write ends with ids; who uses our account does not write such. A mere change of status by it is taken for ours. */
function isOurs({ user, notes }: Journal, self: number): boolean {
  return user?.id === self && (!notes?.trim() || endsMarked(notes));
}

function actionsOf(
  journal: Journal,
  found: Issue,
  { ctx, all, agents }: { ctx: Context; all: readonly Status[]; agents: ReadonlySet<number> },
): HelpdeskAction[] {
  const done = { id: String(journal.id), ticketId: String(found.id), externalId: markedId(found.description) };
  const moved = journal.details.findLast(({ property, name }) => property === 'attr' && name === 'status_id');
  const status = moved && kindOf(moved.new_value ?? '', all, ctx.config);
  const answers = isAnswer(journal, ctx.config) ? answered(answerOf(journal, found, done), ctx.config) : [];
  const refusal = agents.has(journal.user?.id ?? 0) ? null : NO_AGENT;
  return [
    ...answers.map((one) => (one.kind === 'reply' && refusal ? { ...one, refusal } : one)),
    ...(status ? [statusChanged(done, status)] : []),
  ];
}

function answerOf(journal: Journal, found: Issue, done: Pick<Answer, 'id' | 'ticketId' | 'externalId'>): Answer {
  const { user, notes } = journal;
  const names = [found.author, ...found.journals.map((one) => one.user)].flatMap((one) => one?.name ?? []);
  // In every language it names who wrote (`text_user_wrote`, `text_user_wrote_in`).
  const isHeading = (line: string) => /[:：]\s*$/.test(line) && names.some((name) => line.includes(name));
  return {
    ...done,
    text: withoutQuotes(notes ?? '', isHeading),
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
