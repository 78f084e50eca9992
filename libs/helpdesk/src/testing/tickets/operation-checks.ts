import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Check } from '#transport/testing';
import { declarationOf, settingsOf } from '../connector-checks.js';
import { connectorChecks } from '../connector-checks.js';
import { secretsOf } from '../bench.js';
import { transportChecks } from '../failure-checks.js';
import { asConnectorSubject } from './adapted.js';
import { withDesks } from './bench.js';
import { Story } from './events.js';
import type { TicketSubject } from './subject.js';

type TicketCheck = Check<TicketSubject>;

const declared: TicketCheck = {
  name: 'declares itself soundly: settings, capabilities, members, two destinations that share no secret',
  async run(subject) {
    const { connector } = subject;
    settingsOf(connector, subject.address ?? 'apiBase');
    declarationOf(asConnectorSubject(subject));
    equal(connector.capabilities.kind, 'tickets');
    ok(connector.capabilities.maxAttachmentBytes <= 52_428_800, 'maxAttachmentBytes is above 50 MiB');
    ok(connector.capabilities.replies.length > 0, 'answers do not come back');
    ok(connector.check, 'there is no check()');
    for (const { name, run } of connectorChecks)
      if (name.includes('share no secret')) await run(asConnectorSubject(subject));
  },
};

const missing: TicketCheck = {
  name: 'reconcile: tells what a ticket lacks, and where there is none',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const { connector } = subject;
      if (!connector.missing) return;
      const story = new Story();
      const events = [
        story.tells('conversation.opened', {}),
        story.says('first'),
        story.says('second'),
        story.says('third'),
      ];
      deepStrictEqual(
        await connector.missing(events, desk.context()),
        null,
        'a ticket that does not exist is not missed',
      );
      await desk.deliver([events[0]!, events[1]!, events[3]!]);
      const { id } = desk.ticket();
      deepStrictEqual(await connector.missing(events, desk.context()), { ticketId: id, ids: [events[2]!.id] });
      desk.book.clear();
      deepStrictEqual(await connector.missing([events[1]!, events[3]!], desk.context()), { ticketId: id, ids: [] });
      const before = desk.writes;
      await connector.missing(events, desk.context());
      equal(desk.writes, before, 'to reconcile writes something');
    }),
};

const refusals: TicketCheck = {
  name: 'failures: a status refuses an entry as it refuses a ticket, and nothing is tried again by itself',
  async run(subject) {
    if (subject.serve) return;
    for (const status of [400, 401, 409, 429, 500, 503]) await refusing(subject, status, true);
    for (const status of [400, 401, 409, 429, 503]) await refusing(subject, status, false);
  },
};

/** `begun`: it is an entry that is refused, else the ticket. */
async function refusing(subject: TicketSubject, status: number, begun: boolean): Promise<void> {
  await withDesks(subject, async (desk, other) => {
    const story = new Story();
    if (begun) await desk.deliver([story.says('first')]);
    const respond = desk.system.respond.bind(desk.system);
    let refused = 0;
    const refuse = (request: Parameters<typeof respond>[0]) =>
      desk.system.isWrite(request)
        ? ((refused += 1), { status, headers: { 'retry-after': '7' }, body: { errors: ['no'] } })
        : respond(request);
    Object.assign(desk.system, { respond: refuse });
    const error: unknown = await desk.deliver([story.says('second')]).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    ok(error instanceof Error && error.name === 'DeliveryRefused', `${status}: throws ${String(error)}`);
    equal((error as { status?: number }).status, status);
    if (status === 429) equal((error as { retryAfterMs?: number }).retryAfterMs, 7_000, 'Retry-After is not passed on');
    equal(refused, 1, `${status}: it goes on, or tries again by itself`);
    equal(other.requests.length, subject.connector.poll ? other.requests.length : 0);
  });
}

const polling: TicketCheck = {
  name: 'failures: a poll that is refused says so, and what it would have told is told by the next one',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const { poll } = subject.connector;
      if (subject.serve || !poll) return;
      await desk.deliver([new Story().says('hello')]);
      await desk.learn();
      desk.system.answer(desk.ticket().id, { text: 'Answer', author: 'Lin Daiyu' });
      const respond = desk.system.respond.bind(desk.system);
      for (const status of [401, 429, 500]) {
        Object.assign(desk.system, { respond: () => ({ status, headers: { 'retry-after': '7' } }) });
        const error: unknown = await desk.learn().catch((thrown: unknown) => thrown);
        equal((error as { status?: number }).status, status, `${status}: ${String(error)}`);
        if (status === 429)
          equal((error as { retryAfterMs?: number }).retryAfterMs, 7_000, 'Retry-After is not passed on');
      }
      Object.assign(desk.system, { respond });
      deepStrictEqual(
        (await desk.learn()).map((action) => action.kind === 'reply' && action.reply.text?.trim()),
        ['Answer'],
        'an answer is lost',
      );
    }),
};

const health: TicketCheck = {
  name: 'check: says in words that all is well, or what is not; writes nothing that stays',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const good = await subject.connector.check!(desk.context());
      ok(good.ok, `a well-behaved system is called unhealthy: ${good.detail}`);
      equal(desk.system.tickets().length, 0, 'the test leaves a ticket behind');
      if (subject.serve) return;
      for (const answer of [
        { status: 401 },
        { status: 403 },
        { status: 404 },
        { status: 302 },
        { status: 500 },
        { status: 200, body: 'hello' },
        'reset',
      ] as const) {
        Object.assign(desk.system, { respond: () => answer });
        const bad = await subject.connector.check!(desk.context());
        ok(
          !bad.ok && bad.detail.length > 30,
          `${JSON.stringify(answer)} is called healthy, or in no words: ${bad.detail}`,
        );
      }
    }),
};

const credentials: TicketCheck = {
  name: 'failures: wrong credentials are told as such by deliver, poll and check, and no secret is said',
  run: (subject) =>
    withDesks(subject, async (desk, other) => {
      if (subject.serve) return;
      const [mine, theirs] = [desk.context(), other.context()];
      const crossed = {
        ...mine,
        config: {
          ...(theirs.config as object),
          [subject.address ?? 'apiBase']: (mine.config as Record<string, unknown>)[subject.address ?? 'apiBase'],
        },
      };
      const error: unknown = await subject.connector
        .deliver([new Story().says('hello')], crossed)
        .catch((thrown: unknown) => thrown);
      ok(
        [401, 403].includes((error as { status?: number }).status ?? 0) ||
          (error as { code?: string }).code === 'unauthorized',
        `throws ${String(error)}`,
      );
      equal((await subject.connector.check!(crossed)).ok, false);
      equal(desk.system.tickets().length, 0);
      await desk.deliver([new Story().says('hello')]);
      const said = inspect([error, desk.traces], { depth: 10 });
      for (const secret of [...secretsOf(asConnectorSubject(subject), 0)])
        ok(!said.includes(secret), 'a secret is said');
    }),
};

/** What a network and every status make of a delivery is checked as with connectors of every kind. */
const transport: TicketCheck[] = transportChecks.map(({ name, run }) => ({
  name,
  run: async (subject) => (subject.serve ? undefined : run(asConnectorSubject(subject))),
}));

export const operationChecks: readonly TicketCheck[] = [
  declared,
  missing,
  refusals,
  polling,
  health,
  credentials,
  ...transport,
];
