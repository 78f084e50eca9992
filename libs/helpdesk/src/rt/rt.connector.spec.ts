import { describe, expect, it } from '@jest/globals';
import { conformance, picture, Story, withDesks, type Desk, type TicketSubject } from '../testing/index.js';
import { rt } from './rt.connector.js';
import type { RtConfig } from './rt.config.js';
import { FakeRt } from './testing/fake-rt.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const TOKENS = ['1-27-9edc623e4c163c9416c4baa24f4e3d46', '1-27-515cfaf16dca6c45a81fcd09a21796fa'] as const;
const fields = { company: 'Customer company', link: 'Gateway' };

const subject: TicketSubject<RtConfig> = {
  connector: rt,
  now,
  destinations: [
    { id: 'rt', config: (base) => ({ apiBase: `${base}/`, token: TOKENS[0], fields }), signingSecrets: [] },
    { id: 'other', config: (base) => ({ apiBase: base, token: TOKENS[1], fields }), signingSecrets: [] },
  ],
  system: (which) => new FakeRt(TOKENS[which], now),
  ownAccount: 'RT tells who wrote, and what only for each text by itself',
  fields,
};

conformance(subject);

const desk = (use: (desk: Desk<RtConfig>, fake: FakeRt) => Promise<void>) =>
  withDesks(subject, (first) => use(first, first.system as FakeRt));
const texts = async (first: Desk<RtConfig>) =>
  (await first.learn()).map((action) =>
    action.kind === 'reply' ? action.reply.text : action.kind === 'status' && action.status,
  );

describe('rt', () => {
  it('makes the customer the requestor, once, without a mail address', () =>
    desk(async (first, fake) => {
      await first.deliver([new Story('cnv_a').says('hello')]);
      await first.deliver([new Story('cnv_b').says('hello')]);
      const made = first.requests
        .filter(({ method, path }) => method === 'POST' && path.endsWith('/user'))
        .map(({ body }) => JSON.parse(body.toString()) as object);
      expect(made[0]).toEqual({
        Name: 'tributary-con_1',
        RealName: '王芳',
        Privileged: 0,
        Organization: 'Acme & <Sons>',
        MobilePhone: '+8613800138000',
      });
      expect([...fake.users.keys()].filter((name) => name.startsWith('tributary'))).toEqual(['tributary-con_1']);
    }));

  it('passes on no mail of the customer, and no quote of an agent', () =>
    desk(async (first, fake) => {
      await first.deliver([new Story().says('hello')]);
      const { id } = first.ticket();
      fake.mails(id, 'I answer by mail');
      fake.answer(id, { text: 'Answer', author: '' });
      expect(await texts(first)).toEqual(['Answer']);
      fake.users.set('agent', { id: 30, real: '' });
      const [action] = await first.learn();
      expect(action).toBeUndefined();
    }));

  it('takes nobody for an agent who merely wrote a mail, and hears an agent who is among those that a ticket copies', () =>
    desk(async (first, fake) => {
      await first.deliver([new Story().says('hello')]);
      const { id } = first.ticket();
      fake.mails(id, 'Please pay to account 666', 'eve@evil.test');
      fake.kept.get(Number(id))!.ccs.push('agent');
      fake.answer(id, { text: 'I am copied', author: 'Lin' });
      expect(await texts(first)).toEqual(['I am copied']);
    }));

  it('knows an agent whose name is a number', () =>
    desk(async (first, fake) => {
      await first.deliver([new Story().says('hello')]);
      fake.users.set('100', { id: 31, real: 'Lin', privileged: true });
      fake.mails(first.ticket().id, 'From number 100', '100');
      expect(await texts(first)).toEqual(['From number 100']);
    }));

  it('learns of what was committed late, once', () =>
    desk(async (first, fake) => {
      await first.deliver([new Story().says('hello')]);
      const { id } = first.ticket();
      fake.answer(id, { text: 'One', author: 'Lin' });
      const { connector } = subject;
      const early = await connector.poll!.poll(
        JSON.stringify({ at: '2026-11-21T09:31:00Z', seen: [] }),
        first.context(),
      );
      expect(early.actions).toHaveLength(1);
      const again = await connector.poll!.poll(early.cursor, first.context());
      expect(again.actions).toEqual([]);
      const without = JSON.stringify({ ...(JSON.parse(early.cursor) as object), seen: [] });
      expect((await connector.poll!.poll(without, first.context())).actions).toEqual(early.actions);
    }));

  it('says nothing of tickets that are not of the gateway', () =>
    desk(async (first, fake) => {
      fake.respond({
        method: 'POST',
        path: '/REST/2.0/ticket',
        query: new URLSearchParams(),
        headers: { authorization: `token ${TOKENS[0]}` },
        body: Buffer.from(JSON.stringify({ Queue: 'General', Subject: 'by hand' })),
      });
      fake.answer('1', { text: 'not ours', author: 'Lin' });
      expect(await first.learn()).toEqual([]);
    }));

  it('asks for nothing else than tickets, whatever somebody refers to', () =>
    desk(async (first) => {
      const story = new Story();
      await first.deliver([story.says('hello')]);
      first.book.set('cnv_story', { ticketId: '../user/root?x=' });
      await first.deliver([story.says('on')]).catch(() => undefined);
      const paths = first.requests.map(({ path }) => path);
      expect(paths.filter((path) => path.includes('/user/root'))).toEqual([]);
    }));

  it('does not take for done what RT answers 200 to and does not do', () =>
    desk(async (first, fake) => {
      const story = new Story();
      await first.deliver([story.says('hello')]);
      fake.rights.delete('ModifyTicket');
      const closing = first.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      await expect(closing).rejects.toMatchObject({
        code: 'content-refused',
        message: expect.stringContaining('ModifyTicket'),
      });
    }));

  it.each(['refuses', 'pretends'] as const)('waits while RT cannot write, and %s, and loses nothing', (full) =>
    desk(async (first, fake) => {
      const [story, other] = [new Story(), new Story('cnv_other')];
      await first.deliver([story.says('hello')]);
      const later = [
        story.says([{ type: 'text', text: 'with a picture' }, picture()]),
        story.tells('conversation.closed', { conversationStatus: 'closed' }),
        other.says('opens one'),
      ];
      fake.full = full;
      for (const event of later) await expect(first.deliver([event])).rejects.toMatchObject({ code: 'unavailable' });
      fake.full = false;
      for (const event of later) await first.deliver([event], { unsure: true });
      const [one, two] = fake.tickets();
      expect(one).toMatchObject({ status: 'closed', entries: [{}, {}, { files: [{ name: 'broken screen.png' }] }] });
      expect(two!.entries[0]!.text).toContain('opens one');
    }),
  );

  it('does not take a message for kept of which RT dropped the file', () =>
    desk(async (first, fake) => {
      const story = new Story();
      await first.deliver([story.says('hello')]);
      fake.drops = true;
      await expect(first.deliver([story.says([picture()])])).rejects.toMatchObject({ code: 'unavailable' });
    }));

  it.each([
    ['being privileged', (fake: FakeRt) => fake.users.set('gateway', { id: 27, real: '' }), /granted rights/],
    ['the right to see the queue', (fake: FakeRt) => fake.rights.delete('SeeQueue'), /SeeQueue/],
    ['the right to make tickets', (fake: FakeRt) => fake.rights.delete('CreateTicket'), /CreateTicket/],
    ['the right to make users', (fake: FakeRt) => fake.rights.delete('AdminUsers'), /AdminUsers.*requestor: none/],
    ['a custom field', (fake: FakeRt) => fake.customFields.pop(), /no custom field Gateway/],
  ])('says what is missing: %s', (_what, take, said) =>
    desk(async (first, fake) => {
      take(fake);
      expect(await rt.check!(first.context())).toEqual({ ok: false, detail: expect.stringMatching(said) });
    }),
  );
});
