import { describe, expect, it } from '@jest/globals';
import { conformance, picture, Story, type TicketSubject, withDesks } from '../testing/index.js';
import type { JiraConfig } from './jira-service-management.config.js';
import { jiraServiceManagement } from './jira-service-management.connector.js';
import { document, textOf } from './jira-service-management.text.js';
import { FakeJira, signedBy } from './testing/fake-jira.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: 'customfield_1', link: 'customfield_2' };
const statuses = { pending: 'Waiting for customer' };
const settings = {
  user: 'gateway@example.com',
  project: 'SUP',
  requestType: '12',
  queues: { bills: '13' },
  fields,
  statuses,
};
const SAMPLES = [
  { token: 'first-token-of-jira', webhookSecret: 'first-secret-of-the-webhook' },
  { token: 'other-token-of-jira', webhookSecret: 'other-secret-of-the-webhook' },
] as const;
let system: FakeJira;

const subject: TicketSubject<JiraConfig> = {
  connector: jiraServiceManagement,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...settings, ...SAMPLES[0], apiBase }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...settings, ...SAMPLES[1], apiBase }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeJira(settings.user, SAMPLES[which].token, now);
    if (which === 0) system = made;
    return made;
  },
  sign: (request, { config }) => signedBy(config.webhookSecret!, request),
  fields,
};

conformance(subject);

describe('jira-service-management', () => {
  const begins = () => system.tickets().map(({ externalId }) => externalId);

  it('finds no request in which a customer names the conversation of another', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_mallory').says('my case [cnv_victim]')]);
      await desk.deliver([new Story('cnv_victim').says('hello')]);
      expect(system.tickets().map(({ externalId }) => externalId)).toEqual(['cnv_mallory', 'cnv_victim']);
    }));

  it('finds a request that the index does not know yet, among more than it reads at once, whatever numbers are missing', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_old').says('hello')]);
      system.catchUp();
      system.skip(30);
      for (let n = 0; n < 90; n += 1) await desk.deliver([new Story(`cnv_${n}`).says('hello')]);
      desk.book.clear();
      for (const id of ['cnv_old', 'cnv_0', 'cnv_89'])
        await desk.deliver([new Story(id).says('hello')], { unsure: true });
      expect(begins()).toHaveLength(91);
    }));

  it('does not take one id for another that begins with it', () =>
    withDesks(subject, async (desk) => {
      for (const id of ['cnv_ab', 'cnv_a']) {
        await desk.deliver([new Story(id).says('hello')]);
        system.catchUp();
      }
      expect(begins()).toEqual(['cnv_ab', 'cnv_a']);
    }));

  it('brings a picture that a conversation begins with once, where the making ended half-way', () =>
    withDesks(subject, async (desk) => {
      desk.fate(1, 'before');
      await desk.persist([new Story().says([{ type: 'text', text: 'look' }, picture()])]);
      expect(desk.ticket().entries.flatMap(({ files }) => files)).toHaveLength(1);
    }));

  it('shows files of customers to customers, those of notes to agents alone', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const parts = [picture()];
      await desk.deliver([
        story.says('hello'),
        story.says(parts),
        story.answers('message.queued', { text: '', parts }),
      ]);
      const withFiles = desk.ticket().entries.filter(({ files }) => files.length > 0);
      expect(withFiles.map(({ isPublic }) => isPublic)).toEqual([true, false]);
    }));

  it('knows its comments by their properties, also where the list does not give them', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      system.expands = false;
      const events = [story.says('one'), story.says('two')];
      for (const event of events) await desk.deliver([event]);
      const before = desk.ticket().entries.length;
      for (const event of events) await desk.deliver([event], { unsure: true });
      expect(desk.ticket().entries).toHaveLength(before);
      system.answer(desk.ticket().id, { text: 'An answer', author: 'Ann', asUs: true });
      expect(await desk.learn()).toMatchObject([{ reply: { text: 'An answer' } }]);
    }));

  it('leaves customers without an account out, and who write on the portal', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      expect([...system.customers]).toEqual([]);
      system.portal(desk.ticket().id, 'from the portal');
      expect(await desk.learn()).toEqual([]);
    }));

  it('takes no customer for an agent who has an account of Atlassian, and says so', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      system.portal(id, 'from a colleague of the customer', 'atlassian');
      system.portal(id, 'from an app', 'app');
      system.answer(id, { text: 'An answer', author: 'Ann' });
      const told = await desk.learn();
      expect(told.map((one) => one.kind === 'reply' && [one.reply.text, one.refusal?.code])).toEqual([
        ['from a colleague of the customer', 'unauthorized'],
        ['from an app', undefined],
        ['An answer', undefined],
      ]);
    }));

  it('raises requests for customers whose address is vouched for, where that is wanted', () =>
    withDesks(subject, async (desk) => {
      const config = { ...desk.context().config, customers: 'mail' as const };
      for (const id of ['cnv_a', 'cnv_b']) {
        const event = new Story(id).says('hello');
        const handle = { scheme: 'email', scope: '', value: 'wang@example.com', proof: 'channel' } as const;
        const contact = { ...event.data!.contact!, handles: [handle] };
        await desk.deliver([{ ...event, data: { ...event.data!, contact } }], { config });
        await desk.deliver([new Story(id).tells('conversation.closed', { conversationStatus: 'closed' })]);
      }
      expect(await desk.learn()).toEqual([]);
      const reporters = [...system.all.values()].map(({ reporter }) => reporter.accountId);
      expect(reporters).toEqual(['qm:0', 'qm:0']);
    }));

  it('takes the step that the workflow has, with the resolution that it asks for, and says where it has none', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      system.asksResolution = true;
      const close = () => story.tells('conversation.closed', { conversationStatus: 'closed' });
      await expect(desk.deliver([close()])).rejects.toMatchObject({ status: 400 });
      const config = { ...desk.context().config, resolution: 'Done' };
      await desk.deliver([close()], { config });
      expect([...system.all.values()]).toMatchObject([{ status: '10003', resolution: 'Done' }]);
      system.forbidden.add('10001');
      const open = desk.deliver([story.tells('conversation.reopened', {})]);
      await expect(open).rejects.toMatchObject({ status: 422, message: expect.stringContaining('"Resolved"') });
      await desk.deliver([story.tells('conversation.updated', { changes: ['status'], conversationStatus: 'pending' })]);
      expect(desk.ticket().status).toBe('pending');
    }));

  it('makes the request of the type of its queue', () =>
    withDesks(subject, async (desk) => {
      const event = new Story().says('hello');
      const conversation = { ...event.data!.conversation!, queue: 'bills' };
      await desk.deliver([{ ...event, data: { ...event.data!, conversation } }]);
      expect([...system.all.values()]).toMatchObject([{ type: '13' }]);
    }));

  it('reads through more requests and comments than a page holds, and tells nothing twice', () =>
    withDesks(subject, async (desk) => {
      for (let n = 0; n < 60; n += 1) await desk.deliver([new Story(`cnv_${n}`).says('hello')]);
      const [first, last] = [system.tickets()[0]!, system.tickets().at(-1)!];
      const texts = Array.from({ length: 120 }, (_, n) => `answer ${n}`);
      for (const text of texts) system.answer(first.id, { text, author: 'Ann' });
      system.answer(last.id, { text: 'at last', author: 'Ann' });
      const told = await desk.learn();
      expect(told.map((one) => one.kind === 'reply' && [one.conversationId, one.reply.text])).toEqual([
        ...texts.map((text) => ['cnv_0', text]),
        ['cnv_59', 'at last'],
      ]);
      expect(await desk.learn()).toEqual([]);
    }));

  it('gives an answer without the links that only the portal opens', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const file = { name: 'manual.pdf', mimeType: 'application/pdf', content: Buffer.from('x') };
      const [told] = await desk.learn(
        system.answer(desk.ticket().id, { text: 'See here', author: 'Ann', files: [file] }),
      );
      expect(told).toMatchObject({ reply: { text: 'See here' }, files: [{ name: 'manual.pdf' }] });
    }));

  it('writes text as text, addresses as links', () => {
    const text = 'h1 *bold* {code} [x|https://a.example/b_c?d=1] :)\n-- next';
    expect(textOf(document(text)).trimEnd()).toBe(text);
    expect(JSON.stringify(document(text))).toContain('{"href":"https://a.example/b_c?d=1]"}');
  });

  it('says in words what is missing', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const checked = async (change: Partial<JiraConfig>) =>
        (await jiraServiceManagement.check!(desk.context({ config: { ...config, ...change } }))).detail;
      expect(await checked({})).toBe('Works as Gateway, in the project SUP.');
      expect(await checked({ project: 'OPS' })).toContain('no service project OPS');
      expect(await checked({ requestType: '14' })).toContain('12 Question, 13 Bill');
      expect(await checked({ fields: { level: 'customfield_9' } })).toContain('lacks: customfield_9');
      expect(await checked({ statuses: { closed: 'Done' } })).toContain('`statuses.closed`');
      system.required.push('components');
      expect(await checked({})).toContain('components');
      system.rights.delete('ADD_COMMENTS');
      expect(await checked({})).toContain('Add comments');
    }));
});
