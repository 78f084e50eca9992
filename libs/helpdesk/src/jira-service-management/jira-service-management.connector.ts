import { createHmac } from 'node:crypto';
import { constantTimeEqual } from '#transport';
import type { HelpdeskConnector } from '../core/connector.js';
import { checked, marksIn, ticketConnector } from '../tickets/index.js';
import { comments, issue, MARK, PER_PAGE, type Comment, type Context } from './jira-service-management.api.js';
import { examine } from './jira-service-management.check.js';
import { jiraConfig, type JiraConfig } from './jira-service-management.config.js';
import { find } from './jira-service-management.find.js';
import { openFile, poll } from './jira-service-management.poll.js';
import { setStatus } from './jira-service-management.status.js';
import { append, create, setFields } from './jira-service-management.write.js';

/**
 * Jira Service Management in the cloud. A request bears the id of its conversation in the last line of its description; a comment the ids of what it tells as a
 * property, which nobody sees, or, where it brings files, in its last line. Customers of other channels have no account: each comment says who wrote it.
 */
export const jiraServiceManagement: HelpdeskConnector<JiraConfig> = ticketConnector<JiraConfig>({
  type: 'jira-service-management',
  title: 'Jira Service Management',
  config: jiraConfig,
  // A text may have 32,767 characters, and as wiki markup twice as many as it says.
  capabilities: { asCustomer: false, html: false, maxAttachmentBytes: 20_000_000, maxText: 15_000 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  callback: {
    maxBytes: 8 << 20,
    verify({ headers, body }, { config }) {
      const { webhookSecret } = config;
      if (!webhookSecret) return { kind: 'reject', reason: 'no-secret' };
      const mac = createHmac('sha256', webhookSecret).update(body).digest('hex');
      const given = headers['x-hub-signature'] ?? '';
      return constantTimeEqual(given, `sha256=${mac}`) ? { kind: 'accept' } : { kind: 'reject', reason: 'signature' };
    },
    // It tells neither the files of a comment nor what customers see of it: what happened is read by the poll.
    parse: () => ({ actions: [], wake: true }),
  },
  poll: { everyMs: 10_000, poll },
  openFile,
  check: (ctx) => checked(() => examine(ctx)),
});

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const found = new Set<string>();
  for (let start = 0; found.size < ids.length; start += PER_PAGE) {
    const page = await comments(ctx, ticketId, start);
    if (!page) return null;
    for (const id of marksIn(page.flatMap(textsOf), ids)) found.add(id);
    if (page.length < PER_PAGE) break;
  }
  const request = found.size < ids.length ? await issue(ctx, ticketId, { fields: 'description' }) : null;
  return [...found, ...marksIn([request?.fields.description ?? ''], ids).filter((id) => !found.has(id))];
}

/** Where a comment of ours bears its ids. */
function textsOf({ body, properties }: Comment): string[] {
  return [body, ...properties.flatMap(({ key, value }) => (key === MARK ? JSON.stringify(value) : []))];
}
