import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import type { StreamEvent } from '#normalizer';
import type { Check } from '#transport/testing';
import { withDesks, type Desk } from './bench.js';
import { picture, Story } from './events.js';
import { seen, seenText } from './seen.js';
import type { Fate, SeenTicket, TicketSubject } from './subject.js';

type TicketCheck = Check<TicketSubject>;

/** Another conversation, which begins with files. */
const opening = (): StreamEvent[] => {
  const files = [picture(), picture({ name: 'another.png' })];
  return [new Story('cnv_other').says([{ type: 'text', text: 'look' }, ...files])];
};

const whole = (): StreamEvent[] => {
  const story = new Story();
  return [
    story.says('first'),
    story.says([{ type: 'text', text: 'with a picture' }, picture()]),
    story.answers('message.failed', { text: 'an answer', status: 'failed' }),
    story.says('ok'),
    story.says('ok'),
    story.tells('conversation.closed', { conversationStatus: 'closed' }),
  ];
};

/** What customers see and what they do not: after an interruption the note of what is known may stand before the rest of what the ticket began with. */
function apart(tickets: readonly SeenTicket[]): unknown {
  const only = (isPublic: boolean) =>
    seen(tickets.map((ticket) => ({ ...ticket, entries: ticket.entries.filter((one) => one.isPublic === isPublic) })));
  return [only(true), only(false)];
}

/** Plays all of it with one write cut off, each in its turn; what stands in the system must be what stands there when all goes well. */
async function cutEach(
  subject: TicketSubject,
  fate: Fate | 'conflict',
  after: (desk: Desk<unknown>) => void = () => undefined,
): Promise<void> {
  const { goal, writes } = await withDesks(subject, async (desk) => {
    for (const event of [...opening(), ...whole()]) await desk.persist([event]);
    return { goal: apart(desk.system.tickets()), writes: desk.writes };
  });
  ok(writes >= 3, 'there are hardly any writes: isWrite() does not tell them');
  for (let nth = 0; nth < writes; nth += 1) {
    await withDesks(subject, async (desk) => {
      desk.fate(nth, fate);
      for (const event of [...opening(), ...whole()]) await retried(desk, event, after);
      deepStrictEqual(
        apart(desk.system.tickets()),
        goal,
        `write ${nth + 1} of ${writes} was cut off ${fate} it took effect`,
      );
    });
  }
}

/** Delivers an event; where that fails, or its process dies, once more and unsure, until it is taken. */
async function retried(desk: Desk<unknown>, event: StreamEvent, after: (desk: Desk<unknown>) => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    ok(tries < 10, 'it does not come to an end');
    try {
      return await desk.deliver([event], { unsure: tries > 0 });
    } catch (error) {
      ok(['ProviderFailure', 'DeliveryRefused'].includes((error as Error).name), `throws ${String(error)}`);
      after(desk);
    }
  }
}

const cutBefore: TicketCheck = {
  name: 'unknown outcome: nothing is lost where a connection ends before a write takes effect',
  run: (subject) => cutEach(subject, 'before'),
};
const cutAfter: TicketCheck = {
  name: 'unknown outcome: nothing is doubled where a write takes effect and no answer comes',
  run: (subject) => cutEach(subject, 'after'),
};
const forgotten: TicketCheck = {
  name: 'unknown outcome: nothing is doubled where the process dies before it keeps which ticket it made',
  run: (subject) => cutEach(subject, 'after', ({ book }) => book.clear()),
};

const conflict: TicketCheck = {
  name: 'failures: a conflict with what others change is passed on, and nothing is lost or doubled when it is tried again',
  run: async (subject) => (subject.serve ? undefined : cutEach(subject, 'conflict')),
};

const repeated: TicketCheck = {
  name: 'repetition: what is delivered once more, or replayed, changes nothing',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const events = whole().slice(0, -1);
      await desk.persist(events);
      const before = seen(desk.system.tickets());
      await desk.deliver(events, { unsure: true, replay: true });
      await desk.deliver([...events].reverse(), { unsure: true });
      desk.book.clear();
      await desk.deliver(events, { unsure: true });
      deepStrictEqual(seen(desk.system.tickets()), before);
      equal(desk.book.size, 1, 'the ticket that was found is not kept');
    }),
};

const sure: TicketCheck = {
  name: 'repetition: a line of a chat is one write, where nothing is unsure',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const [requests, writes] = [desk.requests.length, desk.writes];
      await desk.deliver([story.says('second')]);
      equal(desk.writes, writes + 1, 'a line of a chat takes more than one write');
      ok(desk.requests.length <= requests + 3, 'a line of a chat takes more than three requests');
    }),
};

const order: TicketCheck = {
  name: 'order: lines, files and notes that come together stand in the order in which they came, however many are one entry',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const events = [
        story.says('begin'),
        ...[1, 2, 3].map((n) => story.says(`line ${n} here`)),
        story.says([{ type: 'text', text: 'line 4 here' }, picture()]),
        story.says('line 5 here'),
        story.answers('message.failed', { text: 'line 6 here', status: 'failed' }),
        ...Array.from({ length: 30 }, (_, n) => story.says(`line ${n + 7} here`)),
      ];
      await desk.deliver(events);
      const said = desk
        .ticket()
        .entries.flatMap((entry) => [...seenText(entry).matchAll(/line (\d+) here/g)].map(([, n]) => Number(n)));
      deepStrictEqual(
        said,
        Array.from({ length: 36 }, (_, n) => n + 1),
        'lines are lost, doubled or in another order',
      );
    }),
};

export const unknownChecks: readonly TicketCheck[] = [cutBefore, cutAfter, forgotten, conflict, repeated, sure, order];
