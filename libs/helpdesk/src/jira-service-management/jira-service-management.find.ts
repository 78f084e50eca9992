import { markedId, type Ticket } from '../tickets/index.js';
import { bulk, search, ticketOf, type Context, type Issue } from './jira-service-management.api.js';

/** How many numbers at once are looked at, and how far below the newest that the index knows: it may take them in another order. */
const [AT_ONCE, BELOW] = [100, 50];

/**
 * The request whose description bears an external id. The index finds it, but not one of a moment ago: those have the numbers that follow the newest that the
 * index knows, and are read by number.
 */
export async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const project = `project = "${ctx.config.project}"`;
  const page = { fields: 'description', maxResults: String(AT_ONCE) };
  const known = await search(ctx, `${project} AND description ~ "\\"${externalId}\\"" ORDER BY created ASC`, page);
  const [newest] = (await search(ctx, `${project} ORDER BY created DESC`, { ...page, maxResults: '1' })).issues;
  const found = bearer(known.issues, externalId) ?? (await recent(externalId, numberOf(newest), ctx));
  return found ? ticketOf(ctx, found) : null;
}

async function recent(externalId: string, newest: number, ctx: Context): Promise<Issue | undefined> {
  for (let from = Math.max(1, newest - BELOW + 1); ; from += AT_ONCE) {
    const keys = Array.from({ length: AT_ONCE }, (_, n) => `${ctx.config.project}-${from + n}`);
    const issues = await bulk(ctx, keys);
    const found = bearer(issues, externalId);
    // Numbers that were given away end somewhere in here, unless one of the upper half is.
    if (found || !issues.some((one) => numberOf(one) >= from + BELOW)) return found;
  }
}

function bearer(issues: readonly Issue[], externalId: string): Issue | undefined {
  return issues.find(({ fields }) => markedId(fields.description) === externalId);
}

function numberOf(issue: Issue | undefined): number {
  return Number(issue?.key.split('-').at(-1) ?? 0);
}
