import { describe, expect, it } from '@jest/globals';
import { conformance, Story, type TicketSubject, withDesks } from '../testing/index.js';
import type { ChatwootConfig } from './chatwoot.config.js';
import { chatwoot } from './chatwoot.connector.js';
import { lookAt } from './chatwoot.status.js';
import { FakeChatwoot, signedBy } from './testing/fake-chatwoot.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: 'company', link: 'conversation_link' };
const settings = { account: 1, inbox: 7, fields, queues: { second: 3 } };
const SAMPLES = [
  { token: 'first-token-of-chatwoot', webhookSecret: 'first-secret-of-the-webhook' },
  { token: 'other-token-of-chatwoot', webhookSecret: 'other-secret-of-the-webhook' },
] as const;
let system: FakeChatwoot;

const subject: TicketSubject<ChatwootConfig> = {
  connector: chatwoot,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...settings, ...SAMPLES[0], apiBase }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...settings, ...SAMPLES[1], apiBase }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeChatwoot(SAMPLES[which].token, now);
    if (which === 0) system = made;
    return made;
  },
  sign: (request, { config }) => signedBy(config.webhookSecret!, request),
  fields,
};

conformance(subject);

describe('chatwoot', () => {
  it('makes a contact once, by whatever it can be known', () =>
    withDesks(subject, async (desk) => {
      for (const id of ['cnv_a', 'cnv_b']) await desk.deliver([new Story(id).says('hello')]);
      expect(system.contacts).toMatchObject([{ name: '王芳', phone_number: '+8613800138000' }]);
      const stranger = new Story('cnv_c').says('it is me');
      const contact = { ...stranger.data!.contact!, id: 'con_other' };
      await desk.deliver([{ ...stranger, data: { ...stranger.data!, contact } }]);
      expect(system.contacts.map(({ phone_number }) => phone_number)).toEqual(['+8613800138000', undefined]);
      expect(system.tickets()).toHaveLength(3);
    }));

  it.each([true, false])('leaves the attributes of others where it marks a status (merging: %s)', (merges) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      system.merges = merges;
      system.all[0]!.custom_attributes['plan'] = 'gold';
      await desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      expect(desk.ticket()).toMatchObject({ status: 'closed', externalId: 'cnv_story', fields: { plan: 'gold' } });
    }),
  );

  it('closes what it marked, where the mark was not answered', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      const respond = system.respond.bind(system);
      let cut = 0;
      Object.assign(system, {
        respond: (request: Parameters<typeof respond>[0]) => {
          const answer = respond(request);
          return request.path.endsWith('/custom_attributes') && (cut += 1) === 1 ? 'reset' : answer;
        },
      });
      await desk.persist([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      expect([cut, desk.ticket().status]).toEqual([2, 'closed']);
      expect(await desk.learn()).toEqual([]);
    }));

  it('gives conversations to the team of their queue, and a priority', () =>
    withDesks(subject, async (desk) => {
      const event = new Story().says('hello');
      const conversation = { ...event.data!.conversation!, queue: 'second', priority: 'urgent' as const };
      await desk.deliver([{ ...event, data: { ...event.data!, conversation } }]);
      expect(system.all).toMatchObject([{ team: 3, priority: 'urgent' }]);
    }));

  it('tells who changed a status by what it wrote before it changed one', () => {
    const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
    const conversation = (status: string, mark?: string) => ({
      ...{ id: 1, status, last_activity_at: 0 },
      custom_attributes: mark ? { tributary_status: mark } : {},
    });
    const closed = `closed ${at(0)}`;
    const looks: [ReturnType<typeof conversation>, ['open' | 'closed', string] | undefined, number, boolean][] = [
      [conversation('open'), undefined, 0, false],
      [conversation('resolved'), undefined, 0, true],
      [conversation('open', closed), undefined, 1, false],
      [conversation('open', closed), undefined, 600, true],
      [conversation('resolved', closed), ['open', ''], 1, false],
      [conversation('open', closed), ['open', ''], 1, false],
      [conversation('open', closed), ['closed', closed], 1, true],
      [conversation('resolved', closed), ['open', closed], 600, true],
    ];
    for (const [seen, before, seconds, byOthers] of looks)
      expect([seen, lookAt(seen, before, now + seconds * 1000).byOthers]).toEqual([seen, byOthers]);
    const meanwhile = lookAt(conversation('open', closed), ['open', ''], now).seen;
    expect(lookAt(conversation('resolved', closed), meanwhile, now).byOthers).toBe(false);
  });

  it('reads back through more conversations and messages than a page holds, and tells nothing twice', () =>
    withDesks(subject, async (desk) => {
      for (let n = 0; n < 30; n += 1) await desk.deliver([new Story(`cnv_${n}`).says('hello')]);
      const [first] = system.tickets();
      const texts = Array.from({ length: 45 }, (_, n) => `answer ${n}`);
      for (const text of texts) system.answer(first!.id, { text, author: 'Ann' });
      const told = await desk.learn();
      expect(told.map((one) => one.kind === 'reply' && [one.conversationId, one.reply.text])).toEqual(
        texts.map((text) => ['cnv_0', text]),
      );
      expect(await desk.learn()).toEqual([]);
    }));

  it('loses no answer in a conversation that changes again while pages are gone through', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_a').says('hello')]);
      const { id } = desk.ticket();
      system.answer(id, { text: 'first', author: 'Ann' });
      system.later(3_600_000);
      for (let n = 0; n < 30; n += 1) await desk.deliver([new Story(`cnv_${n}`).says('hello')]);
      const since = now / 1000 - 60;
      const start = JSON.stringify({ since, page: 1, next: since, told: [], seen: [] });
      const page = await chatwoot.poll!.poll(start, desk.context());
      expect(page).toMatchObject({ actions: [], more: true });
      system.answer(id, { text: 'second', author: 'Ann' });
      const texts: unknown[] = [];
      for (let [cursor, n] = [page.cursor, 0]; n < 4; n += 1) {
        const next = await chatwoot.poll!.poll(cursor, desk.context());
        texts.push(...next.actions.map((one) => one.kind === 'reply' && one.reply.text));
        cursor = next.cursor;
      }
      expect(texts).toEqual(['first', 'second']);
    }));

  it('gives what the editor makes as people would write it', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const text = 'See **the** [manual](https://shop.example/m), snake\\_case\\\nand 2\\*2';
      const [told] = await desk.learn(system.answer(desk.ticket().id, { text, author: 'Ann' }));
      expect(told).toMatchObject({
        reply: { text: 'See the manual (https://shop.example/m), snake_case\nand 2*2' },
      });
    }));

  it('takes no callback without a secret, nor one that was kept', () => {
    const ctx = { destinationId: 'one', config: subject.destinations[0].config('http://x') as ChatwootConfig, publicUrl: '', now }; // prettier-ignore
    const request = { method: 'POST', path: '/', query: '', headers: { 'x-chatwoot-timestamp': String(now / 1000) }, body: Buffer.from('{}') } as never; // prettier-ignore
    const verify = (later: number, webhookSecret?: string) =>
      chatwoot.callback!.verify(signedBy(SAMPLES[0].webhookSecret, request), {
        ...{ ...ctx, now: now + later },
        config: { ...ctx.config, webhookSecret },
      });
    expect(verify(0, SAMPLES[0].webhookSecret)).toEqual({ kind: 'accept' });
    expect(verify(1_000_000, SAMPLES[0].webhookSecret)).toMatchObject({ reason: 'stale' });
    expect(verify(0)).toMatchObject({ reason: 'no-secret' });
  });

  it('says in words what is missing', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const checked = async (change: Partial<ChatwootConfig>) =>
        (await chatwoot.check!(desk.context({ config: { ...config, ...change } }))).detail;
      expect(await checked({})).toBe('Works as Gateway, in the inbox Tributary.');
      expect(await checked({ account: 2 })).toContain('account 2');
      expect(await checked({ inbox: 8 })).toContain('no inbox 8');
      expect(await checked({ queues: { second: 4 } })).toContain('3 second level');
      system.inbox = { name: 'Site', channel_type: 'Channel::WebWidget' };
      expect(await checked({})).toContain('not of the channel API');
      system.role = 'agent';
      expect(await checked({})).toContain('no administrator');
    }));
});
