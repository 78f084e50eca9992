import { describe, expect, it } from '@jest/globals';
import { runCheck, type Check } from '#transport/testing';
import { ticketConnector, type TicketSystem } from '../../tickets/index.js';
import { hmac } from '../fake-connector.js';
import { conformance } from '../index.js';
import { api, compliantDesk, done, sent, type DeskConfig, type DeskContext } from './fake-desk.js';
import { FakeDesk, signedHeader, type Change } from './fake-desk-server.js';
import { ticketSystemChecks, type TicketSubject } from './index.js';

const KEYS = ['first-key-4711', 'other-key-0815'] as const;

function subjectOf(system: TicketSystem<DeskConfig> = compliantDesk): TicketSubject<DeskConfig> {
  const fields = { company: 'Customer company', link: 'Gateway' };
  return {
    connector: ticketConnector(system),
    now: Date.parse('2026-11-21T09:30:00Z'),
    destinations: [
      { id: 'one', config: (base) => ({ key: KEYS[0], apiBase: base, fields }), signingSecrets: [] },
      { id: 'two', config: (base) => ({ key: KEYS[1], apiBase: base, fields }), signingSecrets: [] },
    ],
    system: (which) => new FakeDesk(KEYS[which]),
    sign: (request, ctx) => ({
      ...request,
      headers: { ...request.headers, [signedHeader]: hmac(ctx.config.key, request.body) },
    }),
    fields,
  };
}

const broken = (changes: Partial<TicketSystem<DeskConfig>>): TicketSystem<DeskConfig> => ({
  ...compliantDesk,
  ...changes,
});
const { append, create, find, recorded, setStatus, callback, openFile } = compliantDesk;
let shared: DeskContext | undefined;

/** Each broken in one way, and the check that must find it. */
const faults: [string, TicketSystem<DeskConfig>, string][] = [
  [
    'cannot find what it made',
    broken({ find: async () => null }),
    'unknown outcome: nothing is doubled where the process dies before it keeps which ticket it made',
  ],
  [
    'says that nothing is recorded',
    broken({ recorded: async () => [] }),
    'unknown outcome: nothing is doubled where a write takes effect and no answer comes',
  ],
  [
    'says that everything is recorded',
    broken({ recorded: async (_id, ids) => ids }),
    'unknown outcome: nothing is lost where a connection ends before a write takes effect',
  ],
  [
    'keeps the first id of an entry only',
    broken({
      capabilities: { ...compliantDesk.capabilities, batch: 10 },
      append: (id, entry, ctx) => append(id, { ...entry, ids: entry.ids.slice(0, 1) }, ctx),
    }),
    'repetition: what is delivered once more, or replayed, changes nothing',
  ],
  ['asks before each entry', broken({ append: async (id, entry, ctx) => { for (let i = 0; i < 3; i += 1) await recorded!(id, entry.ids, ctx); await append(id, entry, ctx); } }), 'repetition: a line of a chat is one write, where nothing is unsure'], // prettier-ignore
  [
    'tries again by itself',
    broken({ append: (id, entry, ctx) => append(id, entry, ctx).catch(() => append(id, entry, ctx)) }),
    'failures: a status refuses an entry as it refuses a ticket, and nothing is tried again by itself',
  ],
  [
    'takes a refusal for success',
    broken({ append: (id, entry, ctx) => append(id, entry, ctx).catch(() => undefined) }),
    'failures: a status refuses an entry as it refuses a ticket, and nothing is tried again by itself',
  ],
  [
    'writes notes for everybody',
    broken({ append: (id, entry, ctx) => append(id, { ...entry, kind: 'message' }, ctx) }),
    'content: failures, recalls, reactions, and answers written elsewhere are internal notes in words',
  ],
  [
    'loses attachments',
    broken({ append: (id, entry, ctx) => append(id, { ...entry, attachments: [] }, ctx) }),
    'content: pictures come with their message; what is too large is linked; what comes late follows',
  ],
  [
    'loses the attachments of the first message',
    broken({ create: (ticket, ctx) => create({ ...ticket, opening: { ...ticket.opening, attachments: [] } }, ctx) }),
    'content: pictures come with their message; what is too large is linked; what comes late follows',
  ],
  [
    'cuts long texts',
    broken({ append: (id, entry, ctx) => append(id, { ...entry, text: entry.text.slice(0, 500) }, ctx) }),
    'content: a long text arrives whole',
  ],
  [
    'takes html for text',
    broken({ append: (id, entry, ctx) => append(id, { ...entry, text: entry.html }, ctx) }),
    'content: what customers write is text, in messages and notes, whatever it looks like',
  ],
  [
    'fills no fields',
    broken({ create: (ticket, ctx) => create({ ...ticket, facts: [] }, ctx) }),
    'tickets: says internally what is known: contact, company, level, channel, where the conversation is',
  ],
  ['writes one ticket for all', broken({ find: async (_id, ctx) => find!('cnv_a', ctx), create: (ticket, ctx) => create({ ...ticket, externalId: 'cnv_a' }, ctx) }), 'tickets: keeps conversations apart, and destinations that are served at the same time'], // prettier-ignore
  ['keeps the destination in a variable of the module', broken({ async append(id, entry, ctx) { shared = ctx; await new Promise((later) => setTimeout(later, 20)); await append(id, entry, shared); } }), 'tickets: keeps conversations apart, and destinations that are served at the same time'], // prettier-ignore
  ['does not know an ended ticket', broken({ append: async (id, entry, ctx) => { await api(ctx, `/tickets/${id}/entries`, { method: 'POST', body: sent(entry) }); } }), 'tickets: goes on with a follow-up where one was deleted or ended, and with the other where two were merged'], // prettier-ignore
  ['never follows a merge', broken({ append: (id, entry, ctx) => append(id, entry, ctx).catch((error: { into?: unknown }) => { if (!error.into) throw error; }) }), 'tickets: goes on with the ticket that another was merged into'], // prettier-ignore
  [
    'never closes',
    broken({ setStatus: async () => undefined }),
    'status: closing and reopening are carried both ways, and not back again',
  ],
  [
    'closes what is reopened',
    broken({ setStatus: (id, _status, ctx) => setStatus!(id, 'closed', ctx) }),
    'status: closing and reopening are carried both ways, and not back again',
  ],
  ['tells internal notes', broken({ poll: telling(({ entry, ...change }) => ({ ...change, ...(entry && { entry: { ...entry, public: true } }) })), callback: undefined }), "answers: an agent's public answer comes with its author, once; internal notes never do"], // prettier-ignore
  ['tells its own writing', broken({ poll: telling((change) => ({ ...change, by: 'agent' })) }), 'answers: what we write ourselves is not told as the doing of an agent'], // prettier-ignore
  ['forgets the author', broken({ poll: telling(({ entry, ...change }) => ({ ...change, ...(entry && { entry: { ...entry, author: '' } }) })), callback: undefined }), "answers: an agent's public answer comes with its author, once; internal notes never do"], // prettier-ignore
  ['loses the files of answers', broken({ poll: telling(({ entry, ...change }) => ({ ...change, ...(entry && { entry: { ...entry, files: [] } }) })), callback: undefined }), 'answers: files of an answer can be opened, byte by byte'], // prettier-ignore
  [
    'opens another file',
    broken({ openFile: (_ref, ctx) => openFile!('../me', ctx) }),
    'answers: files of an answer can be opened, byte by byte',
  ],
  [
    'takes callbacks that nobody signed',
    broken({ callback: { ...callback!, verify: () => ({ kind: 'accept' }) } }),
    'callback: rejects what is not signed, is of another destination, or has one byte changed',
  ],
  ['throws a TypeError on a callback that is cut short', broken({ callback: { ...callback!, parse: (request, ctx) => ({ actions: done((JSON.parse(request.body.toString()) as { changes: Change[] }).changes, ctx.config) }) } }), 'callback: survives hostile bodies'], // prettier-ignore
  [
    'calls everything healthy',
    broken({ check: async () => ({ ok: true, detail: 'all is well with this system' }) }),
    'check: says in words that all is well, or what is not; writes nothing that stays',
  ],
  ['tests by making a ticket', broken({ check: async (ctx) => { await create({ externalId: 'test', subject: 'test', facts: [], opening: { ids: ['t'], kind: 'note', attachments: [] } } as never, ctx); return { ok: true, detail: 'made a ticket' }; } }), 'check: says in words that all is well, or what is not; writes nothing that stays'], // prettier-ignore
  [
    'reconciles nothing',
    broken({ recorded: (id, ids, ctx) => recorded!(id, ids, ctx).then((found) => found && ids) }),
    'reconcile: tells what a ticket lacks, and where there is none',
  ],
  ['says its key in errors', broken({ create: (ticket, ctx) => create(ticket, ctx).catch(() => Promise.reject(new Error(ctx.config.key))), find: undefined }), 'lets no secret into errors, traces or health'], // prettier-ignore
  [
    'leaves fields as they were',
    broken({ setFields: async () => undefined }),
    'content: what changes of a person or a conversation is in its field, or in an internal note, once; nothing else makes noise',
  ],
  ['turns lines that come together around', broken({ capabilities: { ...compliantDesk.capabilities, batch: 10 }, append: (id, entry, ctx) => append(id, { ...entry, text: entry.text.split('\n').reverse().join('\n') }, ctx) }), 'order: lines, files and notes that come together stand in the order in which they came, however many are one entry'], // prettier-ignore
  [
    'takes a conflict for done',
    broken({
      append: (id, entry, ctx) =>
        append(id, entry, ctx).catch((error: { status?: number }) => {
          if (error.status !== 409) throw error;
        }),
    }),
    'failures: a conflict with what others change is passed on, and nothing is lost or doubled when it is tried again',
  ],
  ['swallows a refusal of its poll', broken({ poll: { everyMs: 1, poll: async (cursor, ctx) => compliantDesk.poll!.poll(cursor, ctx).catch(() => ({ actions: [], cursor: cursor ?? '0' })) } }), 'failures: a poll that is refused says so, and what it would have told is told by the next one'], // prettier-ignore
  ['takes all that its user wrote for its own', broken({ callback: undefined, poll: telling(({ entry, ...change }) => ({ ...change, ...(entry && { entry: { ...entry, marks: ['evt_1'] } }) })) }), 'answers: who uses the account of the gateway answers too, and what the gateway wrote by it does not come back'], // prettier-ignore
  [
    'keeps no note of whom an answer went to',
    broken({
      append: async (id, entry, ctx) => (/alone/.test(entry.text) ? undefined : append(id, entry, ctx)),
    }),
    'tickets: in one of several persons each message says who wrote it, and an answer to whom alone it went',
  ],
  [
    'has no answers',
    broken({ poll: undefined, callback: undefined }),
    'declares itself soundly: settings, capabilities, members, two destinations that share no secret',
  ],
];

/** A poll that tells changes otherwise than they are. */
function telling(otherwise: (change: Change) => Change): NonNullable<TicketSystem<DeskConfig>['poll']> {
  return {
    everyMs: 10_000,
    async poll(cursor, ctx) {
      const answer = await api(ctx, `/changes?after=${cursor ?? 'now'}`);
      const { changes, last, more } = answer.json<{ changes: Change[]; last: number; more: boolean }>();
      return { actions: done(changes.map(otherwise), ctx.config), cursor: String(last), more };
    },
  };
}

const named = (name: string): Check<TicketSubject> => {
  const check = ticketSystemChecks.find((candidate) => candidate.name === name);
  if (!check) throw new Error(`there is no check "${name}"`);
  return check;
};

conformance(subjectOf());

describe('with chat lines folded into one entry', () => {
  conformance(subjectOf(broken({ capabilities: { ...compliantDesk.capabilities, batch: 10, gatherMs: 2_000 } })));
});

describe('without files, and as nobody but ourselves', () => {
  const capabilities = { ...compliantDesk.capabilities, maxAttachmentBytes: 0, asCustomer: false };
  conformance(subjectOf(broken({ capabilities, append: (id, entry, ctx) => append(id, entry, ctx) })));
});

describe('the conformance suite of ticket systems', () => {
  it.each(faults)('finds the one that %s', async (_how, system, check) => {
    await expect(runCheck(named(check), subjectOf(system) as unknown as TicketSubject)).rejects.toThrow();
  });

  it('has checks with different names', () => {
    expect(new Set(ticketSystemChecks.map(({ name }) => name)).size).toBe(ticketSystemChecks.length);
  });
});
