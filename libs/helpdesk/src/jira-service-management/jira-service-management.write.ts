import { ProviderFailure } from '#normalizer';
import { z } from 'zod';
import { DeliveryRefused } from '../core/connector.js';
import {
  markedText,
  readAnswer,
  TicketEnded,
  type Attachment,
  type Entry,
  type NewTicket,
  type Requester,
  type Ticket,
} from '../tickets/index.js';
import { ask, desk, EXPERIMENTAL, MARK, ticketOf, type Context } from './jira-service-management.api.js';
import { document, wiki } from './jira-service-management.text.js';

/** Makes a request; where its opening has files, that comes as a comment of its own. */
export async function create(draft: NewTicket, ctx: Context): Promise<Ticket> {
  const { opening, externalId, facts, queue, subject, requester } = draft;
  const { requestType, queues = {}, fields = {} } = ctx.config;
  const deskId = await serviceDesk(ctx);
  const hasFiles = opening.attachments.length > 0;
  const text = hasFiles ? `${requester.name}: ${subject}` : opening.text;
  const raiseOnBehalfOf = await customerOf(requester, deskId, ctx);
  const body = {
    serviceDeskId: deskId,
    requestTypeId: (queue !== null && queues[queue]) || requestType,
    isAdfRequest: true,
    requestFieldValues: {
      ...Object.fromEntries(
        facts.flatMap(({ key, value }) => (fields[key] ? [[fields[key], value.slice(0, 255)]] : [])),
      ),
      summary: subject.replace(/\s+/g, ' ').slice(0, 255),
      description: document(markedText({ text, ids: [externalId, ...(hasFiles ? [] : opening.ids)] })),
    },
    ...(raiseOnBehalfOf && { raiseOnBehalfOf }),
  };
  const shape = z.object({ issueId: z.string(), issueKey: z.string() });
  const made = readAnswer(
    shape,
    await ask(ctx, '/rest/servicedeskapi/request', { method: 'POST', body, headers: EXPERIMENTAL }),
  );
  if (hasFiles) await append(made.issueId, opening, ctx);
  return ticketOf(ctx, { id: made.issueId, key: made.issueKey });
}

/** A comment; one that brings files bears its ids in its last line, any other where nobody sees them. */
export async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const { kind, text, ids, attachments } = entry;
  if (attachments.length > 0) return attach(ticketId, entry, ctx);
  const properties = [
    { key: 'sd.public.comment', value: { internal: kind === 'note' } },
    { key: MARK, value: { ids } },
  ];
  const path = `/rest/api/3/issue/${encodeURIComponent(ticketId)}/comment`;
  const { status } = await ask(ctx, path, { method: 'POST', body: { body: document(text), properties }, also: [404] });
  if (status === 404) throw new TicketEnded('gone');
}

export async function setFields(
  ticketId: string,
  values: Readonly<Record<string, string>>,
  ctx: Context,
): Promise<void> {
  const fields = Object.fromEntries(Object.entries(values).map(([id, value]) => [id, value.slice(0, 255) || null]));
  const path = `/rest/api/3/issue/${encodeURIComponent(ticketId)}`;
  const query = { notifyUsers: 'false' };
  const { status } = await ask(ctx, path, { method: 'PUT', query, body: { fields }, also: [404] });
  if (status === 404) throw new TicketEnded('gone');
}

async function attach(ticketId: string, { kind, text, ids, attachments }: Entry, ctx: Context): Promise<void> {
  const temporaryAttachmentIds = await uploaded(attachments, ctx);
  const additionalComment = { body: wiki(markedText({ text, ids })) };
  const { status } = await ask(ctx, `/rest/servicedeskapi/request/${encodeURIComponent(ticketId)}/attachment`, {
    method: 'POST',
    body: { temporaryAttachmentIds, public: kind === 'message', additionalComment },
    also: [404],
  });
  if (status === 404) throw new TicketEnded('gone');
}

/** Uploads files, for a comment to take them; what none takes goes away by itself. */
async function uploaded(attachments: readonly Attachment[], ctx: Context): Promise<string[]> {
  const form = new FormData();
  for (const { name, mimeType, content } of attachments)
    form.append('file', new Blob([new Uint8Array(content)], { type: mimeType }), name);
  const path = `/rest/servicedeskapi/servicedesk/${await serviceDesk(ctx)}/attachTemporaryFile`;
  const headers = { 'x-atlassian-token': 'no-check', ...EXPERIMENTAL };
  const answer = await ask(ctx, path, { method: 'POST', body: form, headers });
  const shape = z.object({ temporaryAttachments: z.array(z.object({ temporaryAttachmentId: z.string() })) });
  const ids = readAnswer(shape, answer).temporaryAttachments.map((one) => one.temporaryAttachmentId);
  if (ids.length !== attachments.length) throw new ProviderFailure('reply-unreadable', 'files were not all taken');
  return ids;
}

/** The account of a customer with a mail address that a channel vouches for, where such are to raise their requests themselves. */
async function customerOf({ email, name }: Requester, deskId: string, ctx: Context): Promise<string | null> {
  if (ctx.config.customers === 'none' || !email) return null;
  const headers = EXPERIMENTAL;
  const place = `/rest/servicedeskapi/servicedesk/${deskId}/customer`;
  const account = z.object({ accountId: z.string(), emailAddress: z.string().nullish() });
  const found = readAnswer(
    z.object({ values: z.array(account) }),
    await ask(ctx, place, { query: { query: email }, headers }),
  ).values.find(({ emailAddress }) => emailAddress?.toLowerCase() === email.toLowerCase());
  if (found) return found.accountId;
  const body = { email, displayName: name };
  const answer = await ask(ctx, '/rest/servicedeskapi/customer', { method: 'POST', body, headers, also: [400, 409] });
  // Somebody of the site that is no customer of this project, or whose address is hidden: their request is ours.
  if (answer.status >= 400) return null;
  const { accountId } = readAnswer(account, answer);
  await ask(ctx, place, { method: 'POST', body: { accountIds: [accountId] }, headers });
  return accountId;
}

async function serviceDesk(ctx: Context): Promise<string> {
  const found = await desk(ctx);
  if (found === null) throw new DeliveryRefused(404, `there is no service project ${ctx.config.project}`);
  return found;
}
