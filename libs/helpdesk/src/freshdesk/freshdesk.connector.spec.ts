import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { receive } from '#transport';
import { rawRequest } from '#transport/testing';
import { conformance, picture, seenText, Story, type Desk, type TicketSubject, withDesks } from '../testing/index.js';
import type { FreshdeskConfig } from './freshdesk.config.js';
import { freshdesk } from './freshdesk.connector.js';
import { FakeFreshdesk, GATEWAY, sentWith } from './testing/fake-freshdesk.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: 'cf_company', link: 'cf_link' };
const SAMPLES = [
  { apiKey: 'first-key-of-freshdesk', webhookSecret: 'first-secret-of-the-webhook' },
  { apiKey: 'other-key-of-freshdesk', webhookSecret: 'other-secret-of-the-webhook' },
] as const;
let system: FakeFreshdesk;

const subject: TicketSubject<FreshdeskConfig> = {
  connector: freshdesk,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...SAMPLES[0], apiBase, fields }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...SAMPLES[1], apiBase, fields, group: 7 }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeFreshdesk(SAMPLES[which].apiKey, now);
    if (which === 0) system = made;
    return made;
  },
  sign: (request, { config }) => sentWith(config.webhookSecret!, request),
  fields,
  waivers: [
    {
      check: 'callback: rejects what is not signed, is of another destination, or has one byte changed',
      reason:
        'Freshdesk signs nothing: a secret in a header is all there is. A callback therefore only wakes the poll.',
    },
  ],
};

conformance(subject);

const ticketNow = () => [...system.all.values()].at(-1)!;
const replies = async (desk: Desk<FreshdeskConfig>) =>
  (await desk.learn()).flatMap((one) => (one.kind === 'reply' ? one.reply.text : []));

describe('the callback of freshdesk', () => {
  it('is taken with the secret of the destination alone, and says nothing but to look', () => {
    const request = rawRequest({ headers: {}, body: '{"reply":"send money"}' });
    const verify = (given: string | null, webhookSecret?: string) =>
      freshdesk.callback!.verify(given === null ? request : sentWith(given, request), {
        ...{ destinationId: 'one', publicUrl: 'https://gateway.example', now },
        config: { webhookSecret } as FreshdeskConfig,
      });
    const { webhookSecret } = SAMPLES[0];
    expect(verify(webhookSecret, webhookSecret)).toEqual({ kind: 'accept' });
    for (const given of [null, '', SAMPLES[1].webhookSecret, webhookSecret.slice(1)])
      expect(verify(given, webhookSecret)).toEqual({ kind: 'reject', reason: 'secret' });
    for (const given of [null, '', 'undefined']) expect(verify(given)).toEqual({ kind: 'reject', reason: 'no-secret' });
    const ctx = { destinationId: 'one', publicUrl: 'https://gateway.example', now };
    const received = receive(freshdesk.callback!, sentWith(webhookSecret, request), {
      ...ctx,
      config: { webhookSecret } as FreshdeskConfig,
    });
    expect(received).toMatchObject({ kind: 'parsed', parsed: { actions: [], wake: true } });
  });
});

describe('freshdesk', () => {
  it('finds a ticket that the index does not know yet, and one that the list of the youngest no longer holds', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const first = story.says('first');
      await desk.deliver([first]);
      system.crowd(120);
      desk.book.clear();
      await desk.deliver([first], { unsure: true });
      system.later(3 * 3_600_000);
      desk.book.clear();
      const later = () => now + 3 * 3_600_000;
      await desk.deliver([first, story.says('second')], { unsure: true, now: later });
      const mine = system.tickets().filter(({ externalId }) => externalId === 'cnv_story');
      expect(mine.map(({ entries }) => entries.filter(({ isPublic }) => isPublic).length)).toEqual([2]);
    }));

  it('does not go on in the trash', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const { id } = ticketNow();
      system.remove(String(id));
      await desk.deliver([story.says('second'), story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      expect(desk.ticket()).toMatchObject({ externalId: `cnv_story.${id}`, status: 'closed' });
    }));

  it('neither finds nor changes what lies in the trash', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const { id } = ticketNow();
      system.remove(String(id));
      const before = desk.writes;
      await desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      expect(desk.writes).toBe(before);
      system.later(3_600_000);
      desk.book.clear();
      await desk.deliver([story.says('second')], { now: () => now + 3_600_000 });
      expect(desk.ticket()).toMatchObject({ externalId: 'cnv_story' });
      expect(desk.ticket().id).not.toBe(String(id));
    }));

  it('begins a ticket with its words once, whatever becomes of files that are more than 20 MB', () =>
    withDesks(subject, async (desk) => {
      const large = Buffer.alloc(9_000_000, 'x');
      const openFile = async () => ({ stream: Readable.from([large]), mimeType: 'image/png', bytes: large.length });
      const files = ['1.png', '2.png', '3.png', '4.png'].map((name) => picture({ name, bytes: large.length }));
      const respond = system.respond.bind(system);
      let notes = 0;
      system.respond = (request) =>
        request.path.endsWith('/notes') && (notes += 1) === 2 ? { status: 400 } : respond(request);
      await desk.deliver([new Story().says([{ type: 'text', text: 'look at these' }, ...files])], { openFile });
      const { entries } = desk.ticket();
      expect(entries.filter((entry) => seenText(entry).includes('look at these'))).toHaveLength(1);
      const said = entries
        .filter(({ isPublic }) => isPublic)
        .map(seenText)
        .join('\n');
      for (const name of ['1.png', '2.png', '3.png', '4.png']) expect(said).toContain(name);

      const other = new Story('cnv_other').says([{ type: 'text', text: 'and these' }, ...files]);
      desk.fate(2, 'before');
      await desk.deliver([other], { openFile }).catch(() => undefined);
      await desk.deliver([other], { openFile, unsure: true });
      const theirs = system.tickets().find(({ externalId }) => externalId === 'cnv_other')!.entries;
      expect(theirs.filter((entry) => seenText(entry).includes('and these'))).toHaveLength(1);
      expect(theirs.flatMap((entry) => entry.files.map(({ name }) => name))).toEqual(
        files.map((_, n) => `${n + 1}.png`),
      );
    }));

  it('sends files of more than 20 MB in several entries, each once, whatever fails', () =>
    withDesks(subject, async (desk) => {
      const large = Buffer.alloc(9_000_000, 'x');
      const changes = {
        openFile: async () => ({
          stream: Readable.from([large]),
          mimeType: 'image/png',
          bytes: large.length,
          name: 'a.png',
        }),
      };
      const pictures = (names: readonly string[]) => names.map((name) => picture({ name, bytes: large.length }));
      const story = new Story();
      await desk.deliver([story.says(pictures(['1.png', '2.png', '3.png']))], changes);
      const more = story.says([{ type: 'text', text: 'look at these' }, ...pictures(['4.png', '5.png', '6.png'])]);
      desk.fate(1, 'after');
      await desk.deliver([more], changes).catch(() => undefined);
      await desk.deliver([more], { ...changes, unsure: true });
      const entries = desk.ticket().entries.filter(({ isPublic }) => isPublic);
      expect(entries.flatMap(({ files }) => files.map(({ name }) => name))).toEqual(
        [1, 2, 3, 4, 5, 6].map((n) => `${n}.png`),
      );
      expect(entries.filter((entry) => seenText(entry).includes('look at these'))).toHaveLength(1);
      expect(entries.every(({ by }) => by === 'customer')).toBe(true);
      const before = entries.length;
      await desk.deliver([more], { ...changes, unsure: true });
      expect(desk.ticket().entries.filter(({ isPublic }) => isPublic)).toHaveLength(before);
    }));

  it('loses no file of a beginning that is cut off', () =>
    withDesks(subject, async (desk) => {
      const large = Buffer.alloc(11_000_000, 'x');
      const file = { mimeType: 'image/png', bytes: large.length, name: 'a.png' };
      const changes = { openFile: async () => ({ stream: Readable.from([large]), ...file }) };
      const first = new Story().says(['1.png', '2.png'].map((name) => picture({ name, bytes: large.length })));
      desk.fate(1, 'before');
      await expect(desk.deliver([first], changes)).rejects.toThrow();
      await desk.deliver([first], { ...changes, unsure: true });
      const names = desk.ticket().entries.flatMap(({ files }) => files.map(({ name }) => name));
      expect(new Set(names)).toEqual(new Set(['1.png', '2.png']));
    }));

  it('keeps which of the files went before a failure', () =>
    withDesks(subject, async (desk) => {
      const large = Buffer.alloc(11_000_000, 'x');
      const changes = {
        openFile: async () => ({
          stream: Readable.from([large]),
          mimeType: 'image/png',
          bytes: large.length,
          name: 'a.png',
        }),
      };
      const story = new Story();
      await desk.deliver([story.says('begin')]);
      const more = story.says(['1.png', '2.png'].map((name) => picture({ name, bytes: large.length })));
      desk.fate(1, 'before');
      await expect(desk.deliver([more], changes)).rejects.toThrow();
      await desk.deliver([more], { ...changes, unsure: true });
      const names = desk.ticket().entries.flatMap(({ files }) => files.map(({ name }) => name));
      expect(names).toEqual(['1.png', '2.png']);
    }));

  it('knows customers by the contact, and by their address only where that is wanted', () =>
    withDesks(subject, async (desk) => {
      const known = { id: 5, name: 'Known', email: 'wang@example.com' };
      system.contacts.set(5, known);
      const mails = (id: string) => {
        const event = new Story(id).says('by mail');
        const handles = [{ scheme: 'email', scope: '', value: 'wang@example.com', proof: 'channel' as const }];
        event.data!.contact = { ...event.data!.contact!, id: `con_${id}`, handles };
        return event;
      };
      await desk.deliver([mails('cnv_a')]);
      expect(JSON.stringify([...system.contacts.values()].at(-1))).not.toContain('example.com');
      const { config } = desk.context();
      await desk.deliver([mails('cnv_b')], { config: { ...config, emails: true } });
      expect(ticketNow().requester_id).toBe(5);
      expect(system.contacts.get(5)).toEqual(known);
      await desk.deliver([new Story('cnv_c').says('x')]);
      await desk.deliver([new Story('cnv_d').says('x')]);
      expect(system.contacts.size).toBe(3);
    }));

  it('takes the contact that Freshdesk names where one is there and not listed', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_a').says('x')]);
      const [id] = [...system.contacts.keys()];
      system.unlisted.add(id!);
      await desk.deliver([new Story('cnv_b').says('x')]);
      expect([system.contacts.size, ticketNow().requester_id]).toEqual([1, id]);
    }));

  it('takes replies and public notes for answers, also of an agent who shares its seat, and nothing that is forwarded', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      await desk.deliver([story.says('and what the customer writes later')]);
      const { id } = desk.ticket();
      const said = { author: 'Gate Way' };
      system.write(id, { ...said, text: 'a reply' }, { source: 0 });
      system.write(id, { ...said, text: 'a public note' }, { source: 2, by: GATEWAY });
      system.write(id, { ...said, text: 'forwarded to the supplier' }, { source: 8 });
      expect(await replies(desk)).toEqual(['a reply', 'a public note']);
    }));

  it('tells an agent’s status from our own, also where both follow each other within seconds', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      const { id } = desk.ticket();
      const told = async () => (await desk.learn()).flatMap((one) => (one.kind === 'status' ? one.status : []));
      expect(await told()).toEqual([]);
      system.later(5_000);
      system.setStatus(id, 'closed');
      expect(await told()).toEqual(['closed']);
      expect(await told()).toEqual([]);
      system.later(5_000);
      const later = { now: () => now + 10_000 };
      await desk.deliver([story.says('again'), story.tells('conversation.reopened', {})], later);
      expect(await told()).toEqual([]);
      system.later(5_000);
      system.setStatus(id, 'pending');
      expect(await told()).toEqual(['pending']);
      system.later(5_000);
      system.setStatus(id, 'open');
      expect(await told()).toEqual(['open']);
      system.later(3_600_000);
      ticketNow().status = 5;
      ticketNow().status_updated_at = ticketNow().updated_at = '2026-11-21T10:40:00Z';
      expect(await told()).toEqual(['closed']);
    }));

  it.each([true, false])(
    'takes no contact for an agent, whoever noted what they said (%s: sees agents)',
    (isAdministrator) =>
      withDesks(subject, async (desk) => {
        system.isAdministrator = isAdministrator;
        await desk.deliver([new Story().says('hello')]);
        const { id } = desk.ticket();
        system.write(
          id,
          { text: 'Please pay to 666', author: 'Eve' },
          { source: 2, by: [...system.contacts.keys()][0]! },
        );
        system.answer(id, { text: 'We never ask for that', author: 'Ann' });
        const told = (await desk.learn()).map(
          (one) => one.kind === 'reply' && [one.reply.text, one.reply.author?.name],
        );
        expect(told).toEqual([['We never ask for that', isAdministrator ? 'Ann' : undefined]]);
      }),
  );

  it('tells a status that was given long after ours, though it is the same', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      for (const status of ['closed', 'open'] as const) {
        system.later(3_600_000);
        system.setStatus(id, status);
      }
      const cursor = JSON.stringify({ since: '2026-11-21T11:00:00Z', offset: 0, told: [] });
      const { actions } = await freshdesk.poll!.poll(cursor, desk.context());
      expect(actions).toMatchObject([{ kind: 'status', ticketId: id, status: 'open', conversationId: 'cnv_story' }]);
    }));

  it('reads through more tickets and more notes than a page holds', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      system.crowd(204);
      const ids = [...system.all.keys()].map(String);
      for (let n = 0; n < 130; n += 1) system.note(ids[150]!, { text: `note ${n}`, author: 'Ann' });
      for (const n of [0, 150, 204]) system.answer(ids[n]!, { text: `answer ${n}`, author: 'Ann' });
      expect((await replies(desk)).sort()).toEqual(['answer 0', 'answer 150', 'answer 204']);
      expect(await replies(desk)).toEqual([]);
    }));

  it('reads a ticket no more that has settled', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const asked = () => desk.requests.filter(({ path }) => path.endsWith('/conversations')).length;
      const context = desk.context({ now: () => now + 30_000 });
      const start = JSON.stringify({ since: '2026-11-21T09:29:00Z', offset: 0 });
      const first = await freshdesk.poll!.poll(start, context);
      const before = asked();
      await freshdesk.poll!.poll(first.cursor, context);
      expect([before, asked()]).toEqual([1, 1]);
    }));

  it('holds up everything for as long as Freshdesk says, where it is asked too often', () =>
    withDesks(subject, async (desk) => {
      system.respond = () => ({ status: 429, headers: { 'retry-after': '29' } });
      await expect(desk.deliver([new Story().says('x')])).rejects.toMatchObject({ status: 429, retryAfterMs: 29_000 });
    }));

  it('gives tickets to groups by queue, and statuses by their numbers', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const changed = { ...config, group: 7, queues: { vip: 9 }, statuses: { open: 2, pending: 3, closed: 5 } };
      const story = new Story();
      const first = story.says('x');
      first.data!.conversation = { ...first.data!.conversation!, queue: 'vip' };
      await desk.deliver([first, story.tells('conversation.closed', { conversationStatus: 'closed' })], {
        config: changed,
      });
      expect(ticketNow()).toMatchObject({ group_id: 9, status: 5 });
      await desk.deliver([new Story('cnv_b').says('x')], { config: changed });
      expect(ticketNow().group_id).toBe(7);
    }));

  it('says in words what is missing', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const checked = async (change: Partial<FreshdeskConfig> = {}) =>
        (await freshdesk.check!(desk.context({ config: { ...config, ...change } }))).detail;
      expect(await checked()).toBe('Works as Gate Way.');
      expect(await checked({ referenceField: 'cf_other' })).toContain('no ticket field cf_other');
      expect(await checked({ fields: { company: 'cf_firm' } })).toContain('no ticket field cf_firm');
      expect(await checked({ apiKey: 'wrong' })).toContain('credentials were refused');
      system.scope = 2;
      expect(await checked()).toContain('Global access');
      system.scope = 1;
      system.fields = system.fields.map((one) => ({
        ...one,
        type: one.name === 'cf_tributary' ? 'custom_dropdown' : one.type,
      }));
      expect(await checked()).toContain('no single line of text');
    }));
});
