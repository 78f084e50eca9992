import { describe, expect, it } from '@jest/globals';
import { rawRequest } from '#transport/testing';
import { conformance, seenText, Story, type TicketSubject, withDesks } from '../testing/index.js';
import { FakeZendesk, GATEWAY, signedBy } from './testing/fake-zendesk.js';
import type { ZendeskConfig } from './zendesk.config.js';
import { zendesk } from './zendesk.connector.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: '81', link: '82' };
const SAMPLES = [
  { email: 'gateway@example.com', token: 'first-token-of-zendesk', webhookSecret: 'first-secret-of-the-webhook' },
  { email: 'gateway@example.com', token: 'other-token-of-zendesk', webhookSecret: 'other-secret-of-the-webhook' },
] as const;
let system: FakeZendesk;

const subject: TicketSubject<ZendeskConfig> = {
  connector: zendesk,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...SAMPLES[0], apiBase, group: 'Support', fields }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...SAMPLES[1], apiBase, fields }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeZendesk(SAMPLES[which], now);
    if (which === 0) system = made;
    return made;
  },
  sign: (request, { config }) => signedBy(config.webhookSecret!, request),
  fields,
};

conformance(subject);

describe('the webhook of zendesk', () => {
  const config = { webhookSecret: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==' } as ZendeskConfig;
  const at = '2021-03-25T05:09:27Z';
  const verify = (
    body: string,
    signature: string,
    changes: { at?: string; minutes?: number; config?: object } = {},
  ) => {
    const headers = {
      'x-zendesk-webhook-signature': signature,
      'x-zendesk-webhook-signature-timestamp': changes.at ?? at,
    };
    const ctx = {
      destinationId: 'one',
      config: { ...config, ...changes.config },
      publicUrl: 'https://gateway.example',
    };
    return zendesk.callback!.verify(rawRequest({ headers, body }), {
      ...ctx,
      now: Date.parse(at) + (changes.minutes ?? 0) * 60_000,
    });
  };
  const EMPTY = 'OhyuASlMysBOYZdC/6lrc3gA+Lv49zMKyTnxzdRguy4=';
  const EVENT = 'S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=';

  it('is signed over its time and its body, with the secret as it is written', () => {
    expect(verify('{}', EMPTY).kind).toBe('accept');
    expect(verify('{"event":"ticket.updated","id":123}', EVENT).kind).toBe('accept');
    expect(verify('{"event":"ticket.updated","id":124}', EVENT).kind).toBe('reject');
    expect(verify('{}', EMPTY, { at: '2021-03-25T05:09:28Z' }).kind).toBe('reject');
  });

  it('is not taken when it is kept and sent later, nor where there is no secret', () => {
    expect(verify('{}', EMPTY, { minutes: 14 }).kind).toBe('accept');
    expect(verify('{}', EMPTY, { minutes: 16 })).toEqual({ kind: 'reject', reason: 'stale' });
    expect(verify('{}', EMPTY, { minutes: -16 })).toEqual({ kind: 'reject', reason: 'stale' });
    expect(verify('{}', EMPTY, { config: { webhookSecret: undefined } })).toEqual({
      kind: 'reject',
      reason: 'no-secret',
    });
  });
});

describe('30 updates of a ticket within ten minutes', () => {
  it('has room for 200 lines of a chat, which go together', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const id = (n: number) => `evt_${String(n).padStart(26, '0')}`;
      const lines = Array.from({ length: 200 }, (_, n) => ({ ...story.says(`line ${n};`), id: id(n) }));
      await desk.deliver(lines);
      expect(desk.writes).toBeLessThan(12);
      const said = desk
        .ticket()
        .entries.filter(({ isPublic }) => isPublic)
        .map(seenText)
        .join('\n');
      expect(said.match(/line \d+;/g)).toEqual(lines.map((_, n) => `line ${n};`));
    }));

  it('holds up that ticket alone, and goes on when its time has passed', () =>
    withDesks(subject, async (desk) => {
      const [story, other] = [new Story(), new Story('cnv_other')];
      await desk.deliver([story.says('begin')]);
      for (let n = 0; n < 29; n += 1) await desk.deliver([story.says(`line ${n};`)]);
      const last = story.says('the last one');
      await expect(desk.deliver([last])).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 600_000 });
      await desk.deliver([other.says('another customer')]);
      system.later(600_000);
      await desk.deliver([last], { unsure: true });
      const { entries } = system.tickets()[0]!;
      expect(entries.map(seenText).filter((text) => text === 'the last one')).toHaveLength(1);
    }));

  it('is told from the limits of the account, which hold up everything', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('begin')]);
      const respond = system.respond.bind(system);
      const busy = { status: 429, headers: { 'retry-after': '41' } };
      system.respond = (request) => (system.isWrite(request) ? busy : respond(request));
      await expect(desk.deliver([story.says('x')])).rejects.toMatchObject({ status: 429, retryAfterMs: 41_000 });
      system.respond = () => busy;
      await expect(desk.deliver([story.says('x')])).rejects.toMatchObject({ status: 429, retryAfterMs: 41_000 });
    }));
});

describe('zendesk', () => {
  it('goes on with a follow-up of a ticket that it closed, and with a new one where it was deleted', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const [closed] = [...system.all.values()];
      system.close(String(closed!.id));
      await desk.deliver([story.tells('conversation.reopened', {}), story.says('still broken')]);
      const followUp = [...system.all.values()].at(-1)!;
      expect(followUp).toMatchObject({
        external_id: `cnv_story.${closed!.id}`,
        via_followup_source_id: closed!.id,
        requester_id: closed!.requester_id,
      });
      system.remove(String(followUp.id));
      await desk.deliver([story.says('hello?')]);
      expect([...system.all.values()].at(-1)).toMatchObject({
        external_id: `cnv_story.${followUp.id}`,
        via_followup_source_id: undefined,
      });
    }));

  it('says what another 422 is, and does not take it for a closed ticket', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('first')]);
      const respond = system.respond.bind(system);
      system.respond = (request) =>
        request.method === 'PUT' ? { status: 422, body: { error: 'RecordInvalid' } } : respond(request);
      await expect(desk.deliver([story.says('x')])).rejects.toMatchObject({ name: 'DeliveryRefused', status: 422 });
      await expect(desk.deliver([story.answers('message.failed', { text: 'x' })])).rejects.toMatchObject({
        status: 422,
      });
      expect(system.all.size).toBe(1);
    }));

  it('finds who writes: by the contact, by a proven address, and changes nobody who was there', () =>
    withDesks(subject, async (desk) => {
      const agent = system.user('Otto Agent', 'agent', 'otto@example.com');
      const story = new Story('cnv_mail');
      const first = story.says('by mail');
      const handles = [{ scheme: 'email', scope: '', value: 'Otto@example.com', proof: 'channel' as const }];
      first.data!.contact = { ...first.data!.contact!, handles };
      system.users.set(agent, { ...system.users.get(agent)!, email: 'Otto@example.com' });
      await desk.deliver([first]);
      expect(desk.requests.some(({ path }) => path.includes('create_or_update'))).toBe(false);
      expect(system.users.get(agent)).toMatchObject({ name: 'Otto Agent', role: 'agent' });
      await desk.deliver([new Story('cnv_a').says('by chat')]);
      await desk.deliver([new Story('cnv_b').says('again')]);
      const made = desk.requests.filter(({ path }) => path.includes('create_or_update'));
      expect(made).toHaveLength(1);
      expect(JSON.parse(made[0]!.body.toString())).toMatchObject({ user: { name: '王芳', phone: '+8613800138000' } });
      expect(made[0]!.body.toString()).not.toContain('claimed@example.com');
    }));

  it('fills no placeholder that a customer writes', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('{{ticket.comments}} {{{x}}} {% if 1 %}')]);
      await desk.deliver([story.says('{{ticket.comments}}')]);
      for (const { text } of desk.ticket().entries) expect(text).not.toMatch(/\{\{|\{%/);
      expect(seenText(desk.ticket().entries[0]!).replace(/\u200b/g, '')).toBe('{{ticket.comments}} {{{x}}} {% if 1 %}');
    }));

  it('takes answers of an agent who shares the seat of the gateway, and none of customers or merges', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_a').says('hello')]);
      await desk.deliver([new Story('cnv_b').says('hello')]);
      const [a, b] = [...system.all.values()];
      system.says(String(a!.id), '<p>as the gateway</p>', GATEWAY);
      system.says(String(a!.id), '<p>a customer by mail</p>', system.user('Cara', 'end-user'));
      const unknown = system.user('Eve', 'end-user');
      system.users.set(unknown, { id: unknown, name: 'Eve' } as never);
      system.says(String(a!.id), '<p>somebody without a role</p>', unknown);
      system.merge(String(b!.id), String(a!.id));
      const told = await desk.learn();
      expect(told.flatMap((one) => (one.kind === 'reply' ? one.reply.text : []))).toEqual(['as the gateway']);
      expect(told).toContainEqual(
        expect.objectContaining({ kind: 'status', ticketId: String(b!.id), conversationId: 'cnv_b' }),
      );
    }));

  it('reads through more changes than a page holds, leaves what was told, and forgets nothing of the same second', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      system.crowd(204);
      const ids = [...system.all.keys()].map(String);
      const at = [0, 103, 204];
      for (const n of at) system.answer(ids[n]!, { text: `answer ${n}`, author: 'Ann' });
      const texts = async () => (await desk.learn()).flatMap((one) => (one.kind === 'reply' ? one.reply.text : []));
      expect((await texts()).sort()).toEqual(at.map((n) => `answer ${n}`).sort());
      system.answer(ids[7]!, { text: 'in the same second', author: 'Ann' });
      expect(await texts()).toEqual(['in the same second']);
      expect(await texts()).toEqual([]);
    }));

  it('loses no answer to a ticket that changes again while pages are gone through', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_a').says('hello')]);
      const { id } = desk.ticket();
      system.answer(id, { text: 'first', author: 'Ann' });
      system.later(3_600_000);
      await desk.deliver([new Story('cnv_b').says('hello')]);
      system.crowd(120);
      const start = JSON.stringify({ since: '2026-11-21T09:29:00Z', told: [] });
      const page = await zendesk.poll!.poll(start, desk.context());
      expect(page).toMatchObject({ actions: [], more: true });
      system.later(1_000);
      system.answer(id, { text: 'second', author: 'Ann' });
      const texts: unknown[] = [];
      for (let [cursor, n] = [page.cursor, 0]; n < 3; n += 1) {
        const { actions, cursor: next } = await zendesk.poll!.poll(cursor, desk.context());
        texts.push(...actions.map((one) => one.kind === 'reply' && one.reply.text));
        cursor = next;
      }
      expect(texts).toEqual(['first', 'second']);
    }));

  it('reads on from the newest change, less what may be seen late', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_a').says('hello')]);
      system.later(3_600_000);
      await desk.deliver([new Story('cnv_b').says('hello')]);
      const start = JSON.stringify({ since: '2026-11-21T09:29:00Z', told: [] });
      const { cursor } = await zendesk.poll!.poll(start, desk.context());
      expect(JSON.parse(cursor)).toMatchObject({ since: '2026-11-21T10:29:00Z' });
    }));

  it('reads a ticket no more that has settled', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const asked = () => desk.requests.filter(({ path }) => path.endsWith('/audits.json')).length;
      const context = desk.context({ now: () => now + 30_000 });
      const first = await zendesk.poll!.poll(JSON.stringify({ since: '2026-11-21T09:29:00Z', told: [] }), context);
      const before = asked();
      await zendesk.poll!.poll(first.cursor, context);
      expect([before, asked()]).toEqual([1, 1]);
    }));

  it('finds what it told behind more audits than a page holds', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const first = story.says('first');
      await desk.deliver([first]);
      const { id } = desk.ticket();
      for (let n = 0; n < 150; n += 1) system.note(id, { text: `note ${n}`, author: 'Ann' });
      await desk.deliver([first], { unsure: true });
      expect(desk.ticket().entries.filter(({ isPublic }) => isPublic)).toHaveLength(1);
    }));

  it('says in words what is missing', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const checked = async (change: Partial<ZendeskConfig>) =>
        (await zendesk.check!(desk.context({ config: { ...config, ...change } }))).detail;
      expect(await checked({})).toBe('Works as Gate Way, an agent.');
      expect(await checked({ group: 'Sales' })).toContain('no group "Sales". It has: Support');
      expect(await checked({ queues: { vip: 'Vips' } })).toContain('"Vips"');
      expect(await checked({ fields: { company: '99' } })).toContain('no active ticket field 99');
      expect(await checked({ token: 'wrong' })).toContain('credentials were refused');
      system.users.set(GATEWAY, { ...system.users.get(GATEWAY)!, role: 'end-user' });
      expect(await checked({})).toContain('is an end user');
    }));
});
