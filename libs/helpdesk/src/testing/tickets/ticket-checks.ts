import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import type { Check } from '#transport/testing';
import { withDesks } from './bench.js';
import { Story } from './events.js';
import { seenText } from './seen.js';
import type { TicketSubject } from './subject.js';

type TicketCheck = Check<TicketSubject>;

const one: TicketCheck = {
  name: 'tickets: makes one of a conversation, with everything in order, and keeps which it is',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([
        story.tells('conversation.opened', {}),
        story.says('first 一'),
        story.says('second 二 👋'),
        story.says('third 三'),
      ]);
      const ticket = desk.ticket();
      equal(ticket.externalId, 'cnv_story', 'the ticket does not bear the id of the conversation');
      equal(ticket.status, 'open');
      ok(ticket.subject.trim().length > 2, 'the ticket has no subject');
      equal(desk.book.get('cnv_story')?.ticketId, ticket.id, 'the ticket is not kept');
      const said = ticket.entries
        .filter(({ isPublic }) => isPublic)
        .map(seenText)
        .join('\n');
      const places = ['first 一', 'second 二 👋', 'third 三'].map((text) => said.indexOf(text));
      ok(
        places.every((at) => at >= 0),
        `a text is not there whole: ${said}`,
      );
      deepStrictEqual(
        [...places].sort((a, b) => a - b),
        places,
        'the texts are in another order',
      );
      for (const entry of ticket.entries.filter(({ isPublic }) => isPublic))
        ok(entry.by === 'customer' || seenText(entry).includes('王芳'), `nobody sees who wrote: ${seenText(entry)}`);
    }),
};

const about: TicketCheck = {
  name: 'tickets: says internally what is known: contact, company, level, channel, where the conversation is',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { entries, fields } = desk.ticket();
      const notes = entries
        .filter(({ isPublic }) => !isPublic)
        .map(seenText)
        .join('\n');
      for (const fact of [
        '王芳',
        '+8613800138000',
        'Acme & <Sons>',
        'vip',
        'A-17',
        'https://gateway.example/console/conversations/cnv_story',
      ])
        ok(notes.includes(fact), `"${fact}" is not in an internal note: ${notes}`);
      const seen = entries
        .filter(({ isPublic }) => isPublic)
        .map(seenText)
        .join('\n');
      ok(!seen.includes('vip') && !seen.includes('claimed@example.com'), 'what is for agents only is public');
      if (!subject.fields) return;
      equal(fields[subject.fields.company], 'Acme & <Sons>', 'the company is not in its field');
      equal(
        fields[subject.fields.link],
        'https://gateway.example/console/conversations/cnv_story',
        'the link is not in its field',
      );
    }),
};

const apart: TicketCheck = {
  name: 'tickets: keeps conversations apart, and destinations that are served at the same time',
  run: (subject) =>
    withDesks(subject, async (desk, other) => {
      const [a, b] = [new Story('cnv_a'), new Story('cnv_b')];
      await Promise.all([
        desk.deliver([a.says('for a')]),
        desk.deliver([b.says('for b')]),
        other.deliver([a.says('for the other')]),
      ]);
      await Promise.all([
        desk.deliver([a.says('a again')]),
        other.deliver([a.says('other again')]),
        desk.deliver([b.says('b again')]),
      ]);
      const texts = (which: typeof desk) =>
        which.system.tickets().map(
          ({ externalId, entries }) =>
            [
              externalId,
              entries
                .filter(({ isPublic }) => isPublic)
                .map(seenText)
                .join('\n'),
            ] as const,
        );
      const mine = new Map(texts(desk));
      deepStrictEqual([...mine.keys()].sort(), ['cnv_a', 'cnv_b']);
      ok(
        /for a[^]*a again/.test(mine.get('cnv_a')!) && /for b[^]*b again/.test(mine.get('cnv_b')!),
        'a message is in the ticket of another',
      );
      ok(!/for b|b again|other/.test(mine.get('cnv_a')!), 'a ticket has the message of another');
      const theirs = texts(other);
      equal(theirs.length, 1);
      ok(
        /for the other[^]*other again/.test(theirs[0]![1]) && !/for a\b/.test(theirs[0]![1]),
        'destinations are mixed',
      );
    }),
};

const gone: TicketCheck = {
  name: 'tickets: goes on with a follow-up where one was deleted or ended, and with the other where two were merged',
  run: (subject) =>
    withDesks(subject, async (desk, other) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const before = desk.ticket().id;
      desk.system.remove(before);
      await desk.persist([story.says('after the end')]);
      const [next, ...more] = desk.system.tickets();
      ok(next && more.length === 0, 'there is not one ticket after the first one is gone');
      equal(desk.book.get('cnv_story')?.ticketId, next.id, 'the follow-up is not kept');
      ok(next.entries.some((entry) => entry.isPublic && seenText(entry).includes('after the end')));
      ok(next.externalId.startsWith('cnv_story'), `the follow-up does not bear the conversation: ${next.externalId}`);

      if (other.system.close) {
        const ended = new Story('cnv_ended');
        await other.deliver([ended.says('first')]);
        const first = other.ticket().id;
        other.system.close(first);
        for (const text of ['a follow-up', 'and more']) await other.persist([ended.says(text)]);
        const tickets = other.system.tickets();
        equal(tickets.length, 2, 'there is no follow-up of a ticket that is closed for good, or more than one');
        equal(tickets.find(({ id }) => id !== first)?.entries.filter(({ isPublic }) => isPublic).length, 2);
      }
    }),
};

const shared: TicketCheck = {
  name: 'tickets: in one of several persons each message says who wrote it, and an answer to whom alone it went',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const [story, via] = [new Story(), `destination:${subject.destinations[0].id}`];
      const answer = () =>
        story.answers('message.queued', { text: 'ours', author: { kind: 'agent', id: null, name: 'Lin', via } });
      await desk.deliver([story.says('alone')]);
      await desk.deliver([answer()]);
      desk.book.set('cnv_other', desk.book.get('cnv_story')!);
      const before = desk.ticket().entries.length;
      const events = [story.says('among others'), answer()];
      for (const event of events) await desk.deliver([event]);
      for (const event of events) await desk.deliver([event], { unsure: true });
      const [message, note, ...more] = desk.ticket().entries.slice(before);
      equal(more.length, 0, 'something else is written, or something twice');
      ok(seenText(message!).includes('王芳'), `nobody sees who wrote: ${seenText(message!)}`);
      equal(note?.isPublic, false, 'to whom an answer went is not told, or told to customers');
      for (const name of ['王芳', 'the person of cnv_other'])
        ok(seenText(note!).includes(name), `to whom an answer went is not told: ${seenText(note!)}`);
    }),
};

const merged: TicketCheck = {
  name: 'tickets: goes on with the ticket that another was merged into',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      if (!desk.system.merge) return;
      const [a, b] = [new Story('cnv_a'), new Story('cnv_b')];
      await desk.deliver([a.says('of a')]);
      await desk.deliver([b.says('of b')]);
      const [into, from] = [desk.book.get('cnv_a')!.ticketId, desk.book.get('cnv_b')!.ticketId];
      desk.system.merge(from, into);
      const author = { kind: 'contact', id: 'con_2', name: 'Li Lei' } as const;
      await desk.persist([b.says('b goes on', { author })]);
      const found = desk.system
        .tickets()
        .filter(({ entries }) => entries.some((entry) => seenText(entry).includes('b goes on')));
      deepStrictEqual(
        found.map(({ id }) => id),
        [into],
        'it does not go on in the ticket that is left',
      );
      ok(
        seenText(found[0]!.entries.find((entry) => seenText(entry).includes('b goes on'))!).includes('Li Lei'),
        'in the ticket of another person nobody sees who wrote',
      );
      deepStrictEqual(
        (await desk.learn()).filter(({ kind }) => kind === 'reply'),
        [],
        'what a merge leaves behind is told as an answer',
      );
      const c = new Story('cnv_c');
      await desk.deliver([c.says('of c')]);
      desk.system.merge(desk.book.get('cnv_c')!.ticketId, into);
      desk.system.remove(into);
      // There is nothing left to close: no failure that a person would have to look at.
      await desk.deliver([c.tells('conversation.closed', { conversationStatus: 'closed' })]);
    }),
};

const nothing: TicketCheck = {
  name: 'tickets: does nothing for what is no business of a ticket, nor opens one for what nobody wrote',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([
        story.tells('conversation.opened', {}),
        story.answers('message.queued', { text: 'we write first', parts: [{ type: 'text', text: 'we write first' }] }),
        story.answers('message.failed', { text: 'we write first', status: 'failed' }),
        story.tells('conversation.closed', { conversationStatus: 'closed' }),
        { ...story.says('erased'), data: null },
      ]);
      equal(desk.system.tickets().length, 0, 'a ticket is opened by what is no message of a customer');
      await desk.deliver([story.says('hello')]);
      const before = desk.writes;
      await desk.deliver([
        story.answers('message.delivered', { text: 'x', status: 'delivered' }),
        story.tells('contact.updated', {}),
        story.tells('account.degraded', {}),
        { ...story.says('erased'), data: null },
        { ...story.says('typing'), type: 'typing.started' },
      ]);
      equal(desk.writes, before, 'something is written for an event that is no business of a ticket');
    }),
};

export const ticketChecks: readonly TicketCheck[] = [one, about, apart, gone, shared, merged, nothing];
