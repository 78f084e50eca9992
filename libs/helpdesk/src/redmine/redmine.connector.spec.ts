import { describe, expect, it } from '@jest/globals';
import { conformance, Story, type TicketSubject, withDesks } from '../testing/index.js';
import type { RedmineConfig } from './redmine.config.js';
import { redmine } from './redmine.connector.js';
import { FakeRedmine } from './testing/fake-redmine.js';

const KEYS = ['a38a97f45295fb11469499203b21bf6b985e38dd', 'c7ef3396953bfc8dd15c5b75e4bbaba37120d33e'] as const;
const now = Date.parse('2026-11-21T09:30:00Z');
const fields = { company: '1', link: '2' };
const settings = { project: 'support', fields, sendFilesAlone: true };
let system: FakeRedmine;

const subject: TicketSubject<RedmineConfig> = {
  connector: redmine,
  now,
  destinations: [
    { id: 'one', config: (apiBase) => ({ ...settings, apiBase, apiKey: KEYS[0] }), signingSecrets: [] },
    { id: 'two', config: (apiBase) => ({ ...settings, apiBase, apiKey: KEYS[1] }), signingSecrets: [] },
  ],
  system: (which) => {
    const made = new FakeRedmine(KEYS[which], now);
    if (which === 0) system = made;
    return made;
  },
  fields,
};

conformance(subject);

describe('redmine', () => {
  it('says when the workflow does not allow a step, where Redmine itself is silent', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      system.forbidden.add(5);
      await expect(
        desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]),
      ).rejects.toMatchObject({
        status: 422,
        message: expect.stringContaining('"Closed"'),
      });
    }));

  it('passes on what an agent adds to a quote, and nothing of the quote; who uses our account may quote as well', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('My lamp is broken')]);
      const { id, entries } = desk.ticket();
      const quote = (head: string) => `${head}\n> ${entries[0]!.text.replace(/\n/g, '\n> ')}`;
      system.answer(id, { text: `${quote('Gate Way wrote:')}\n\nPlease reset it.`, author: 'Ann' });
      system.answer(id, {
        text: `Also this: \n${quote('Gate Way 在 #note-1 中写到：')}`,
        author: 'Gate Way',
        asUs: true,
      });
      system.answer(id, { text: 'It is 5 > 4:\nor not', author: 'Ann' });
      const told = (await desk.learn()).map((one) => one.kind === 'reply' && one.reply.text);
      expect(told).toEqual(['Please reset it.', 'Also this:', 'It is 5 > 4:\nor not']);
    }));

  it('tells nothing of what agents say among themselves in a copy of an issue', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      system.answer(system.copy(id), { text: 'this customer is difficult', author: 'Ann' });
      expect(await desk.learn()).toEqual([]);
      system.answer(id, { text: 'An answer', author: 'Ann' });
      expect(await desk.learn()).toMatchObject([{ ticketId: id, reply: { text: 'An answer' } }]);
    }));

  it('takes nobody for an agent who may not edit issues: a customer who is a member, or who merely writes mails', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      system.customers.push(...Array.from({ length: 120 }, (_, n) => 100 + n));
      system.adds(id, 'Please pay to account 666', { id: 2, name: 'Anonymous' });
      system.adds(id, 'I report this too', { id: 219, name: 'Bert' });
      system.answer(id, { text: 'We do not ask for that', author: 'Ann' });
      const told = await desk.learn();
      expect(told.map((one) => one.kind === 'reply' && [one.reply.text, one.refusal?.code])).toEqual([
        ['Please pay to account 666', 'unauthorized'],
        ['I report this too', 'unauthorized'],
        ['We do not ask for that', undefined],
      ]);
    }));

  it('goes on with a follow-up where the issue was deleted', () =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      system.remove(desk.ticket().id);
      await desk.deliver([story.says('still there?')]);
      expect(desk.ticket().externalId).toBe('cnv_story.1');
    }));

  it('does not take a file without a word for an answer, unless it is told to', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      const file = { name: 'internal.log', mimeType: 'text/plain', content: Buffer.from('x') };
      system.answer(id, { text: '', author: 'Ann', files: [file] });
      const context = desk.context();
      const start = JSON.stringify({ since: '2026-11-21T09:29:00Z', offset: 0 });
      const told = async (sendFilesAlone: boolean) =>
        (await redmine.poll!.poll(start, { ...context, config: { ...context.config, sendFilesAlone } })).actions.length;
      expect([await told(false), await told(true)]).toEqual([0, 1]);
    }));

  it('reads through more issues of one second than a page holds, and tells nothing twice', () =>
    withDesks(subject, async (desk) => {
      for (let n = 0; n < 105; n += 1) await desk.deliver([new Story(`cnv_${n}`).says('hello')]);
      const last = system.tickets().at(-1)!;
      system.answer(last.id, { text: 'at last', author: 'Ann' });
      expect((await desk.learn()).map(({ ticketId, conversationId }) => [ticketId, conversationId])).toEqual([
        [last.id, 'cnv_104'],
      ]);
      expect(await desk.learn()).toEqual([]);
    }));

  it('finds no issue in which a customer names the conversation of another', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_mallory').says('my case [cnv_victim]')]);
      await desk.deliver([new Story('cnv_victim').says('hello')]);
      expect(system.tickets().map(({ externalId }) => externalId)).toEqual(['cnv_mallory', 'cnv_victim']);
    }));

  it('tells nothing where Redmine does not say whether a note is private', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      system.note(desk.ticket().id, { text: 'this customer is difficult', author: 'Ann' });
      const respond = system.respond.bind(system);
      system.respond = (request) => {
        const answer = respond(request);
        if (typeof answer !== 'object') return answer;
        const body = JSON.stringify(answer.body)?.replace(/"private_notes":true,/g, '');
        return { ...answer, ...(body && { body: JSON.parse(body) as object }) };
      };
      await expect(desk.learn()).rejects.toMatchObject({ code: 'reply-unreadable' });
    }));

  it('reads of the others where one customer has filled a ticket beyond measure', () =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story('cnv_mallory').says('hello')]);
      await desk.deliver([new Story('cnv_other').says('hello')]);
      const respond = system.respond.bind(system);
      system.respond = (request) => {
        const isFilled = request.path.endsWith('/issues/1.json');
        return isFilled ? { body: Buffer.alloc((32 << 20) + 1, ' ') } : respond(request);
      };
      const [, other] = system.tickets();
      system.answer(other!.id, { text: 'for the other', author: 'Ann' });
      expect(await desk.learn()).toMatchObject([{ ticketId: other!.id, reply: { text: 'for the other' } }]);
    }));

  it('says in words what a user lacks', () =>
    withDesks(subject, async (desk) => {
      expect(await redmine.check!(desk.context())).toMatchObject({ ok: true });
      system.rights = system.rights.filter((right) => right !== 'set_notes_private');
      expect(await redmine.check!(desk.context())).toEqual({
        ok: false,
        detail: expect.stringContaining('Set notes as private'),
      });
      const { config } = desk.context();
      const checked = async (change: Partial<RedmineConfig>) =>
        (await redmine.check!(desk.context({ config: { ...config, ...change } }))).detail;
      expect(await checked({ project: 'other' })).toContain('no project other');
      expect(await checked({ tracker: 'Nope' })).toContain('It has: Support');
      expect(await checked({ statuses: { closed: 'Done' } })).toContain('`statuses.closed`');
      expect(await checked({ apiKey: 'wrong' })).toContain('credentials were refused');
    }));
});
