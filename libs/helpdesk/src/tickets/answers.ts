import type { AnswerFile, HelpdeskAction } from '../core/connector.js';
import { htmlText } from './html.js';
import { withoutMarks } from './marks.js';
import { conversationOf, type TicketStatus } from './system.js';
import type { TicketSettings } from './settings.js';

/** What an agent did, as the system tells it. */
interface Done {
  /** The system's own id of it, the same however it is told. */
  readonly id: string;
  readonly ticketId: string;
  /** What the ticket bears, where that is told as well. */
  readonly externalId?: string | null | undefined;
}

export interface Answer extends Done {
  readonly text?: string | null | undefined;
  /** Taken where there is no text. */
  readonly html?: string | null | undefined;
  readonly author?: { readonly id?: string | null | undefined; readonly name?: string | null | undefined };
  readonly files?: readonly AnswerFile[];
}

/** An agent's public answer as actions, without marks of ours that it quotes: none where it says nothing. */
export function answered(answer: Answer, { fallback }: Pick<TicketSettings, 'fallback'>): HelpdeskAction[] {
  const { text, html, author, files = [] } = answer;
  const said = withoutMarks(text?.trim() || (html ? htmlText(html) : ''))
    .trim()
    .slice(0, 100_000);
  if (!said && files.length === 0) return [];
  const reply = {
    ...(said && { text: said }),
    author: {
      kind: 'agent' as const,
      ...(author?.id && { id: author.id.slice(0, 200) }),
      ...(author?.name && { name: author.name.slice(0, 500) }),
    },
    ...(fallback?.length && { fallback }),
  };
  return [{ kind: 'reply', ...place('reply', answer), reply, ...(files.length > 0 && { files }) }];
}

/** A change of a ticket's status by somebody else than us. */
export function statusChanged(done: Done, status: TicketStatus): HelpdeskAction {
  return { kind: 'status', ...place('status', done), status };
}

function place(kind: string, { id, ticketId, externalId }: Done) {
  const conversationId = externalId ? conversationOf(externalId) : null;
  return { dedupeKey: `${kind}:${id}`, ticketId, ...(conversationId && { conversationId }) };
}
