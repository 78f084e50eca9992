import { describe, expect, it } from '@jest/globals';
import type { Contact } from '#normalizer';
import { Story, seenText, withDesks, type TicketSubject } from '../testing/index.js';
import { compliantDesk, type DeskConfig } from '../testing/tickets/fake-desk.js';
import { FakeDesk } from '../testing/tickets/fake-desk-server.js';
import { changesOf } from './changes.js';
import { ticketConnector } from './index.js';

const subject: TicketSubject<DeskConfig> = {
  connector: ticketConnector(compliantDesk),
  now: Date.parse('2026-11-21T09:30:00Z'),
  destinations: [
    {
      id: 'one',
      config: (base) => ({ key: 'key-1', apiBase: base, fields: { company: 'Company' } }),
      signingSecrets: [],
    },
    { id: 'two', config: (base) => ({ key: 'key-2', apiBase: base }), signingSecrets: [] },
  ],
  system: (which) => new FakeDesk(`key-${which + 1}`),
};
const event = new Story().says('hello');
const person = (name: string): Contact => ({
  ...event.data!.contact!,
  company: { id: 'cmp_9', name, level: 'gold' },
});

describe('what is known of a person', () => {
  it('is taken as it is when the ticket is made, not as it was when the message came', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([event], { contactOf: async () => person('Late & Co') });
      expect(desk.ticket().fields).toEqual({ Company: 'Late & Co' });
      expect(desk.ticket().entries).toHaveLength(2);
    }));

  it('is told once more where it changed while the ticket was made, of which no event tells', () =>
    withDesks(subject, async (desk) => {
      let asked = 0;
      await desk.deliver([event], { contactOf: async () => person(`Asked ${(asked += 1)}`) });
      const { fields, entries } = desk.ticket();
      expect(fields).toEqual({ Company: 'Asked 2' });
      expect(entries.map((entry) => [entry.isPublic, seenText(entry).includes('gold')])).toEqual([
        [true, false],
        [false, true],
        [false, true],
      ]);
    }));

  it('is told to nobody where the ticket is gone', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([event]);
      desk.system.remove(desk.ticket().id);
      const data = { contact: person('Beta'), changes: ['company'] };
      await desk.deliver([{ ...event, type: 'contact.updated', data }]);
      expect(desk.system.tickets()).toEqual([]);
    }));

  it('is no field of the ticket of another, which is told of whom it is, once', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([event]);
      const { id, fields, entries } = structuredClone(desk.ticket());
      for (const other of ['cnv_b', 'cnv_c']) desk.book.set(other, { ticketId: id });
      const contact = { ...person('Of Bert'), id: 'con_b', name: 'Bert' };
      const told = { ...event, type: 'contact.updated' as const, data: { contact, changes: ['company'] } };
      const ticketsOf = async () => ['cnv_b', 'cnv_c'].map((conversationId) => ({ conversationId, ticketId: id }));
      await desk.deliver([told], { ticketsOf });
      await desk.deliver([told], { ticketsOf, unsure: true });
      expect(desk.ticket().fields).toEqual(fields);
      const [note, ...more] = desk.ticket().entries.slice(entries.length);
      expect(more).toEqual([]);
      expect(note!.isPublic).toBe(false);
      expect(seenText(note!)).toMatch(/of Bert:[^]*Of Bert[^]*gold/);
    }));

  it('is no field of the ticket of another either where it is told of a conversation', () =>
    withDesks(subject, async (desk) => {
      const config = { ...desk.context().config, fields: { queue: 'Queue' } };
      await desk.deliver([event], { config });
      desk.book.set('cnv_b', desk.book.get('cnv_story')!);
      const bert = new Story('cnv_b', { name: 'Bert' }).tells('conversation.updated', { changes: ['queue'] });
      const conversation = { ...bert.data!.conversation!, queue: 'bills' };
      await desk.deliver([{ ...bert, data: { ...bert.data!, conversation } }], { config });
      expect(desk.ticket().fields).toEqual({});
      expect(seenText(desk.ticket().entries.at(-1)!)).toMatch(/of Bert:[^]*bills/);
    }));

  it('is told to the tickets of both after two were parted', () =>
    withDesks(subject, async (desk) => {
      const data = { contact: person('Left'), restored: { ...person('Back'), id: 'con_2' } };
      await desk.deliver([event]);
      const asked: [string, string][] = [];
      const ticketsOf = async (contactId: string, before: string) => {
        asked.push([contactId, before]);
        return [{ conversationId: 'cnv_story', ticketId: desk.ticket().id }];
      };
      await desk.deliver([{ ...event, type: 'contact.unmerged', data }], { ticketsOf });
      expect(asked).toEqual([
        [data.contact.id, event.timestamp],
        ['con_2', event.timestamp],
      ]);
      expect(desk.ticket().fields).toEqual({ Company: 'Back' });
    }));
});

describe('changesOf', () => {
  const keys = (type: string, changes: string[]) =>
    changesOf({ ...event, type: type as 'contact.updated', data: { ...event.data, changes } })?.keys;

  it.each([
    ['contact.updated', ['name', 'company', 'blocked'], ['contact', 'company', 'level', 'products']],
    ['conversation.updated', ['status', 'priority', 'tags'], ['priority', 'tags']],
    ['conversation.updated', ['status', 'subject'], undefined],
    ['conversation.closed', ['status', 'priority'], undefined],
    ['message.received', ['priority'], undefined],
    ['contact.updated', ['toString', '__proto__'], undefined],
  ])('of %s with %j are %j', (type, changes, found) => {
    expect(keys(type, changes)).toEqual(found);
  });
});
