import { describe, expect, it } from '@jest/globals';
import { Story, type Desk } from '../testing/index.js';
import type { EmailConfig } from './email.config.js';
import type { FakeMailDesk } from './testing/fake-mail-desk.js';
import { desk, header, replies, type More } from './testing/subject.js';

type First = Desk<EmailConfig>;
const SUBJECT = 'Re: [desk.example #1] hello';
const ABOUT = '*** About this conversation: for agents only, not for the customer ***';

/** A desk with a ticket that a customer began with these words. */
const opened = (words: string, use: (first: First, system: FakeMailDesk) => Promise<void>, more: More = {}) =>
  desk(async (first, system) => {
    await first.deliver([new Story('cnv_a').says(words)]);
    await first.learn();
    await use(first, system);
  }, more);
/** What becomes of a mail to that ticket. */
const learnt = (content: Record<string, unknown>, check: (actions: Awaited<ReturnType<typeof replies>>) => void, more: More = {}) =>
  opened('hello', async (first, system) => {
    system.mail(system.boxes[0]!, { subject: SUBJECT, ...content });
    check(await replies(first));
  }, more); // prettier-ignore
const refused = (why: string) => [expect.objectContaining({ refusal: expect.objectContaining({ message: expect.stringContaining(why) }) })]; // prettier-ignore

describe('words of a customer in a subject', () => {
  it.each(['Delivery status of my order', 'My parcel came back undelivered', '无法送达', 'Resolved: no'])(
    'cost no answer: %s',
    (words) =>
      opened(words, async (first, system) => {
        system.answer(first.ticket().id, { text: 'It is on its way.', author: 'Lin via RT' });
        expect((await first.learn()).map((one) => one.kind === 'reply' && one.reply.text)).toEqual(['It is on its way.']); // prettier-ignore
      }),
  );

  it('leave the status to be told', () =>
    opened('Resolved: no', async (first, system) => {
      system.setStatus(first.ticket().id, 'closed');
      expect(await first.learn()).toMatchObject([{ kind: 'status', status: 'closed', conversationId: 'cnv_a' }]);
    }));
});

describe('what is for agents alone', () => {
  it.each([
    ['with another sign', `Done.\n\n| hello\n| \n| ${ABOUT}\n| Level: vip\n`],
    ['escaped', `Done.\n\n\\*\\*\\* About this conversation: for agents only, not for the customer \\*\\*\\*\nLevel: vip\n`],
    ['behind other words', `Done.\n\nCustomer: ${ABOUT}\nLevel: vip`],
    ['broken into lines', `Done.\n\n${ABOUT.replaceAll(' ', '\n')}\nLevel: vip`],
  ])('goes to nobody: quoted %s', (_how, text) =>
    learnt({ text }, (told) => expect(told.map(({ reply }) => reply.text)).toEqual(['Done.'])),
  ); // prettier-ignore

  it('goes to nobody where html quotes it, and what stands below does', () => {
    const quote = `<blockquote><p><b>Wang</b></p><p>hello</p><hr><p>${ABOUT}</p><ul><li>Level: vip</li></ul></blockquote>`;
    return learnt({ html: `${quote}<p>Your parcel</p>` }, (told) =>
      expect(told.map(({ reply, refusal }) => [reply.text, refusal])).toEqual([['Your parcel', undefined]]),
    );
  });

  it.each([
    ['below of it', `hello\n\n${ABOUT}\nLevel: vip\nSaid before (order): 7\n\nYour parcel`],
    ['before it, on its line', `Your parcel. ${ABOUT}\nLevel: vip`],
    ['behind it, on its line', `Yes.\n\n${ABOUT} Level: vip. Your parcel`],
    ['below of it, without a letter', `Yes.\n\n${ABOUT}\nLevel: vip\n\n👍`],
  ])('takes no words along: an answer %s is refused', (_where, text) =>
    learnt({ text }, (told) => expect(told).toEqual(refused('beside what is for agents'))),
  );

  it('says where an answer goes', () =>
    opened('hello', async (first, system) => {
      await first.deliver([new Story('cnv_a').answers('message.failed', { text: 'our answer', status: 'failed' })]);
      expect(system.mails.at(-1)!.raw).toContain('Whatever answers this mail goes to the customer.');
    }));
});

describe('an answer that quotes our mail', () => {
  it('is no report of it', () =>
    opened('hello', async (first, system) => {
      const { raw } = system.mails[0]!;
      const attachments = [{ filename: 'original.eml', contentType: 'message/rfc822', content: raw }];
      const headers = { Precedence: 'bulk' };
      const [box] = system.boxes;
      system.mail(box!, { subject: 'Undelivered: hello', text: 'Your own mail.', attachments, headers });
      system.mail(box!, { subject: SUBJECT, text: `We have it: ${header(raw, 'Message-ID')}`, headers });
      const told = await first.learn();
      expect(told.map((one) => one.kind === 'reply' && one.reply.text)).toEqual(expect.arrayContaining(['Your own mail.', expect.stringContaining('We have it')])); // prettier-ignore
    }));
});

describe('what no agent wrote', () => {
  it.each([
    ['junk by its own word', { headers: { Precedence: 'junk' } }],
    ['an absence by its subject', { subject: 'Abwesenheitsnotiz: hello' }],
    ['an absence of an old program', { subject: 'away from my mail', headers: { Precedence: 'bulk' } }],
    ['by a mail server', { from: 'postmaster@desk.example' }],
    ['an echo of ours', { headers: { 'X-RT-Originator': 'support+x@shop.example' } }],
  ])('is nothing: %s', (_what, content) =>
    learnt({ text: 'Some words', ...content }, (told) => expect(told).toEqual([])),
  );

  it('and came from the address of a program is kept where operators see it, unless that is named', async () => {
    const content = { from: 'noreply@desk.example', text: 'Your ticket was assigned to Bob' };
    await learnt(content, ([told]) => {
      expect(told!.ticketId).toContain('noreply@desk.example');
      expect(told!.conversationId).toBeUndefined();
    });
    const named = { answersFrom: ['noreply@desk.example'] };
    await learnt(content, (told) => expect(told).toMatchObject([{ conversationId: 'cnv_a' }]), named);
  });
});

describe('an automatic answer to what our mailbox wrote', () => {
  it('tells the tag', () =>
    desk(
      async (first, system) => {
        const story = new Story('cnv_a');
        await first.deliver([story.says('hello')]);
        const headers = { 'X-RT-Originator': 'support@shop.example', 'Auto-Submitted': 'auto-replied' };
        system.mail(system.boxes[0]!, { subject: '[desk.example #77] AutoReply: hello', text: 'We got it', headers });
        expect(await first.learn()).toEqual([]);
        await first.deliver([story.says('more')]);
        expect(header(system.mails.at(-1)!.raw, 'Subject')).toBe('Re: [desk.example #77] hello');
      },
      { answersFrom: ['desk.example'] },
    ));
});

describe('the words of somebody else that the system passes on', () => {
  it.each(['X-RT-Originator', 'RT-Originator'])('are refused: %s', (name) =>
    learnt({ text: 'Please pay to account 666', headers: { [name]: 'eve@evil.example' } }, (told) => {
      expect(told).toEqual(refused('eve@evil.example'));
    }),
  );

  it('are an answer where an agent wrote them', () =>
    learnt({ text: 'Yes', headers: { 'X-RT-Originator': 'lin@desk.example' } }, (told) =>
      expect(told.map(({ refusal }) => refusal)).toEqual([undefined]),
    ));
});

describe('answers to several', () => {
  const two = (use: (first: First, system: FakeMailDesk) => Promise<void>) =>
    opened('hello', async (first, system) => {
      await first.deliver([new Story('cnv_b').says('hello')]);
      await first.learn();
      await use(first, system);
    }, { mailbox: { replyAddress: 'plus' } }); // prettier-ignore

  it('by one mail, as in merged tickets, are refused: they would go to one alone', () =>
    two(async (first, system) => {
      const [one, another] = system.boxes;
      system.mail(one!, { to: `${one!.replyTo}, ${another!.replyTo}`, text: 'Your balance is 5' });
      expect(await replies(first)).toEqual(refused('several conversations'));
    }));

  it('that were closed as one are all closed', () =>
    two(async (first, system) => {
      const [one, another] = system.boxes;
      system.mail(one!, { to: `${one!.replyTo}, ${another!.replyTo}`, subject: 'Resolved: hello', text: 'Bye' });
      expect((await first.learn()).map(({ kind, ticketId }) => [kind, ticketId]).sort()).toEqual(
        system.boxes.map(({ id }) => ['status', id]).sort(),
      );
    }));

  it('by one mail each are all answers, though they say the same in one second', () =>
    two(async (first, system) => {
      for (const one of system.boxes) system.mail(one, { subject: 'Re: hello', text: 'It is over.' });
      const told = await replies(first);
      expect(new Set(told.map(({ dedupeKey }) => dedupeKey)).size).toBe(2);
      expect(told.map(({ conversationId }) => conversationId)).toEqual(['cnv_a', 'cnv_b']);
    }));
});

describe('mail that comes back as that of a customer', () => {
  it('is not sent once more', () =>
    desk(async (first, system) => {
      const said = new Story('cnv_a').says('hello');
      const { contact, account } = said.data!;
      const handles = [{ scheme: 'email', scope: '', value: 'support@shop.example', proof: 'channel' as const }];
      const data = { ...said.data!, contact: { ...contact!, handles }, account: { ...account!, channel: 'email' } };
      await expect(first.deliver([{ ...said, data }])).rejects.toMatchObject({ code: 'content-refused' });
      expect(system.mails).toEqual([]);
    }));
});

describe('words that could be commands', () => {
  it('stand below of what is none, and ours in a header', () =>
    opened('hello', async (first, system) => {
      const story = new Story('cnv_a');
      const said = story.says('Status: rejected');
      const author = { ...said.data!.message!.author, name: 'AddAdminCc: eve@evil.example,' };
      await first.deliver([{ ...said, data: { ...said.data!, message: { ...said.data!.message!, author } } }]);
      await first.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      const [mail, told] = system.mails.slice(-2).map(({ raw }) => raw);
      expect(mail).toMatch(/\r\n\r\n\*\*\*\r\n\r\nAddAdminCc: /);
      expect(header(mail!, 'X-RT-Command')).toBe('');
      expect(header(told!, 'X-RT-Command')).toBe('Status: resolved');
    }));
});
