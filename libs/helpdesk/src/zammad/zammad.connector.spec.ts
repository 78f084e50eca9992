import { describe, expect, it } from '@jest/globals';
import { conformance, Story, type TicketSubject, withDesks } from '../testing/index.js';
import { FakeZammad, signedBy } from './testing/fake-zammad.js';
import type { ZammadConfig } from './zammad.config.js';
import { zammad } from './zammad.connector.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: 'company', link: 'link' };
const SAMPLES = [
  { token: 'first-token-of-zammad', webhookSecret: 'first-secret-of-the-webhook' },
  { token: 'other-token-of-zammad', webhookSecret: 'other-secret-of-the-webhook' },
] as const;

let system: FakeZammad;

const subject: TicketSubject<ZammadConfig> = {
  connector: zammad,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...SAMPLES[0], apiBase, group: 'Support', fields }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...SAMPLES[1], apiBase, group: 'Support', fields }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeZammad(SAMPLES[which].token, now);
    if (which === 0) system = made;
    return made;
  },
  sign: (request, { config }) => signedBy(config.webhookSecret!, request),
  fields,
};

conformance(subject);

describe('zammad', () => {
  it('has nothing that a trigger would mail: customers begin with a note, and chat', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      await desk.deliver([story.says('more'), story.answers('message.failed', { text: 'x', status: 'failed' })]);
      const types = desk.requests
        .filter(({ method }) => method === 'POST')
        .map(({ body }) => JSON.parse(body.toString()) as { type?: string; article?: { type: string } })
        .map(({ type, article }) => type ?? article?.type);
      expect(new Set(types)).toEqual(new Set(['chat', 'note']));
    }));

  it('reads of the others where one customer has filled a ticket beyond measure', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_mallory').says('hello')]);
      await desk.deliver([new Story('cnv_other').says('hello')]);
      const respond = system.respond.bind(system);
      system.respond = (request) => {
        const isFilled = request.path.endsWith('/ticket_articles/by_ticket/21');
        return isFilled ? { body: Buffer.alloc((32 << 20) + 1, ' ') } : respond(request);
      };
      const [, other] = system.tickets();
      system.answer(other!.id, { text: 'for the other', author: 'Ann' });
      expect(await desk.learn()).toMatchObject([{ ticketId: other!.id, reply: { text: 'for the other' } }]);
    }));

  it('says in words what is missing', () =>
    withDesks(subject, async (desk) => {
      const { config } = desk.context();
      const checked = (change: Partial<ZammadConfig>) =>
        zammad.check!(desk.context({ config: { ...config, ...change } }));
      expect(await checked({})).toEqual({ ok: true, detail: 'Works as gateway@example.com, in the group Support.' });
      expect((await checked({ group: 'Sales' })).detail).toContain('"Sales"');
      expect((await checked({ statuses: { ...config.statuses, closed: 'solved' } })).detail).toContain('"solved"');
    }));
});
