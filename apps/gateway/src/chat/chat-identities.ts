import type { Database, Statement } from '#database';
import { rebindVisitor } from '#identity';
import type { ChatFeeds } from './chat-feeds.js';
import { handlesOf, LIFETIME_S, newSession, threadOf, type Person, type Session } from './chat-session.js';

const ATTEMPTS = 3;
/** Two identifications or an arriving message stood in each other's way; the same again will do. */
const CONTENTION: ReadonlySet<unknown> = new Set(['40P01', '40001', '55P03', '23505']);

/** Who was erased stays known by a hash: a visitor for ever, somebody identified for as long as a session from before lives. */
const ERASED = `exists (select 1 from erased_session e where e.hash = session_hash('visitor', $1, $2)
    or (e.hash = session_hash('client', $1, $3) and e.at > to_timestamp($4::float8)))`;
const GONE: Statement = { name: 'chat_person_erased', text: `select 1 where ${ERASED}` };
const MOVED: Statement = {
  name: 'chat_visitor_moved',
  text: `select 1 where ${ERASED} union all
    select 1 from handle v join handle c on c.contact_id = v.contact_id and c.scheme = 'client' and c.scope = v.scope and c.proof <> 'claimed'
    where v.scheme = 'visitor' and v.scope = $1 and v.value = $2 and v.proof <> 'claimed'
      and not exists (select from thread where account_id = $1 and external_id = $2)
    limit 1`,
};

/** What comes of saying, with proof, who one is. */
export class ChatIdentities {
  constructor(
    private readonly database: Database,
    private readonly feeds: Pick<ChatFeeds, 'announceMoved'>,
  ) {}

  /**
   * The session after a person has proven who they are. An anonymous visitor becomes the person, with all they wrote; whoever was somebody else is
   * left behind, and a new visitor begins (`fresh`).
   */
  async become(session: Session, person: Person): Promise<{ session: Session; fresh: boolean }> {
    const { accountId, visitorId } = session;
    if (session.person) {
      return session.person.sub === person.sub
        ? { session: { ...session, person }, fresh: false }
        : { session: newSession(accountId, person), fresh: true };
    }
    const next = { ...session, person };
    const { outcome, threadIds } = await this.rebind(next);
    if (outcome === 'another') return { session: newSession(accountId, person), fresh: true };
    if (outcome !== 'nobody') {
      this.database.hint('outbox');
      this.database.hint('events');
      for (const threadId of threadIds) this.database.hint('thread', threadId);
      this.feeds.announceMoved({ accountId, externalId: visitorId });
    }
    return { session: next, fresh: false };
  }

  /**
   * Does the session stand for nobody any more: has its anonymous visitor become a person, thread and all, or was whoever it stood for erased since it was given
   * out? `expires` is its end, in seconds.
   */
  async hasMovedOn({ accountId, visitorId, person }: Session, expires: number): Promise<boolean> {
    const values = [accountId, visitorId, person?.sub ?? '', expires - LIFETIME_S];
    return (await this.database.query(person ? GONE : MOVED, values)).length > 0;
  }

  private async rebind(session: Session, attempt = 1): Promise<Awaited<ReturnType<typeof rebindVisitor>>> {
    const { accountId, visitorId, person } = session;
    const who = { accountId, visitorId, handles: handlesOf(session), name: person?.name, thread: threadOf(session) };
    try {
      return await this.database.transaction((sql) => rebindVisitor(sql, who));
    } catch (error) {
      if (attempt >= ATTEMPTS || !CONTENTION.has((error as { code?: unknown }).code)) throw error;
      return this.rebind(session, attempt + 1);
    }
  }
}
