import { describe, expect, it } from '@jest/globals';
import { conformance, picture, Story } from '../testing/index.js';
import { email } from './email.connector.js';
import { withoutTags } from './tag.js';
import type { FakeMailDesk } from './testing/fake-mail-desk.js';
import { desk, header, now, replies, subjectOf, UUID, type More, type Use } from './testing/subject.js';

conformance(subjectOf());

describe('a thread of mails', () => {
  it('is one by In-Reply-To and References, and by the tag of the system once it has told that', () =>
    desk(async (first, system) => {
      const story = new Story();
      await first.deliver([story.says('Where is my parcel?')]);
      await first.deliver([story.says('It is urgent')]);
      await first.learn();
      await first.deliver([story.says('Hello?')]);
      const [one, two, three] = system.mails.map(({ raw }) => raw);
      const id = header(one!, 'Message-ID');
      expect(id).toMatch(/^<t\.[a-z2-7]{20}\.[a-z2-7]{4}\.[a-z2-7]{16}\.[a-z2-7]+@shop\.example>$/);
      expect(header(one!, 'Subject')).toBe('Where is my parcel?');
      expect(header(two!, 'Subject')).toBe('Re: Where is my parcel?');
      expect(header(three!, 'Subject')).toBe('Re: [desk.example #1] Where is my parcel?');
      for (const raw of [two!, three!]) {
        expect(header(raw, 'In-Reply-To')).toBe(id);
        expect(header(raw, 'References')).toContain(id);
      }
      expect(header(one!, 'Auto-Submitted')).toBe('');
      expect(header(one!, 'X-Tributary-Conversation')).toBe('cnv_story');
    }));

  it('waits for the tag where that alone makes it one, and not for ever', () =>
    desk(
      async (first, system) => {
        const story = new Story();
        await first.deliver([story.says('first')]);
        await expect(first.deliver([story.says('too early')])).rejects.toMatchObject({ code: 'unavailable' });
        await first.learn();
        await first.deliver([story.says('second')]);
        expect(first.ticket().entries.filter(({ isPublic }) => isPublic)).toHaveLength(2);
        const other = new Story('cnv_silent');
        const patient = { now: () => now + 130_000 };
        await first.deliver([other.says('nobody tells a tag')]);
        await first.deliver([other.says('so it goes without')], patient);
        expect(system.mails).toHaveLength(4);
      },
      { subjectTag: 'required' },
      { keepsSent: true, byTagAlone: true },
    ));

  it('goes through the plus address and the subject, where the settings say so', () =>
    desk(
      async (first, system) => {
        await first.deliver([new Story().says('hello')]);
        const { raw } = system.mails[0]!;
        const [, token] = /<t\.(.+)\.[a-z2-7]+@/.exec(header(raw, 'Message-ID'))!;
        expect(header(raw, 'Reply-To')).toContain(`support+${token}@shop.example`);
        expect(header(raw, 'Subject')).toBe(`hello (${token})`);
        const [box] = system.boxes;
        const to = 'support@shop.example';
        system.mail(box!, { to, subject: header(raw, 'Subject'), text: 'by the subject' }, { about: false });
        system.mail(box!, { to: `support+${token}@shop.example`, text: 'by the address' }, { about: false });
        expect((await replies(first)).map(({ reply }) => reply.text)).toEqual(['by the subject', 'by the address']);
      },
      { subjectMark: true, mailbox: { replyAddress: 'plus' } },
    ));
});

describe('what customers write into a subject', () => {
  it('leads into the ticket of nobody else', () =>
    desk(async (first, system) => {
      await first.deliver([new Story('cnv_victim').says('hello')]);
      await first.deliver([new Story('cnv_mallory').says('Re: [desk.example #1] now it is mine')]);
      expect(system.boxes.map(({ externalId, entries }) => [externalId, entries.length])).toEqual([
        ['cnv_victim', 2],
        ['cnv_mallory', 2],
      ]);
    }));

  it.each([
    ['[#123] a', '123 a'],
    ['[Ticket#2026112212345] a', 'Ticket 2026112212345 a'],
    ['SUP-42 a', 'SUP 42 a'],
    ['(ref:_00D30.500:ref) a', 'ref 00D30.500:ref a'],
    ['【example＃1】 a', 'example 1 a'],
    ['Where is my self-made lamp?', 'Where is my self-made lamp?'],
    ['[#]', ''],
  ])('%s becomes %s', (said, subject) => expect(withoutTags(said)).toBe(subject));
});

describe('mail that was sent perhaps', () => {
  it('is known again by a system that has its id already, where there is no Sent folder', () =>
    desk(
      async (first, system) => {
        const story = new Story();
        const events = [story.says('first'), story.says('second')];
        for (const event of events) {
          first.fate(0, 'after');
          await first.persist([event]);
        }
        expect(system.mails.length).toBeGreaterThan(2);
        expect(new Set(system.mails.map(({ raw }) => header(raw, 'Message-ID'))).size).toBe(2);
        expect(first.ticket().entries.filter(({ isPublic }) => isPublic)).toHaveLength(2);
        await expect(email.missing!(events, first.context())).rejects.toMatchObject({ code: 'config-invalid' });
        expect(await email.check!(first.context())).toMatchObject({ ok: true, detail: expect.stringContaining('Sent') });
      },
      {},
      { dedupes: true },
    ), 60_000); // prettier-ignore

  it('that came back is told, and may be sent once more', () =>
    desk(async (first, system) => {
      const story = new Story();
      await first.deliver([story.says('first')]);
      const second = { ...story.says('second'), id: `evt_${UUID}` };
      await first.deliver([second]);
      system.imap.deliver(system.bounced(system.mails[1]!, 'eve@evil.example'));
      expect(await first.learn()).toEqual([]);
      system.bounce(system.mails[1]!);
      const [told, ...more] = await first.learn();
      expect(more).toEqual([]);
      expect(told).toMatchObject({
        kind: 'undelivered',
        eventId: second.id,
        failure: { code: 'recipient-gone', message: expect.stringContaining('came back') },
      });
      for (let replays = 0; replays < 2; replays += 1) await first.deliver([second], { unsure: true, replay: true });
      expect(system.mails.map(({ raw }) => header(raw, 'Message-ID')).slice(1)).toEqual(
        Array(2).fill(header(system.mails[1]!.raw, 'Message-ID')),
      );
    }));
});

describe('what is kept of a thread', () => {
  it('is gone when the customer is erased', () =>
    desk(async (first) => {
      const story = new Story();
      await first.deliver([story.says('my secret')]);
      const key = `thread:${first.ticket().id}`;
      const context = first.context();
      expect(await context.recall(key)).toContain('my secret');
      const erasure = { id: 'era_1', contactIds: ['con_1'], conversationIds: ['cnv_story'] };
      await first.deliver([{ ...story.tells('contact.erased', {}), data: { erasure } }]);
      expect(await context.recall(key)).toBe('');
    }));
});

describe('a mail in our mailbox', () => {
  const opened = (use: Use, more: More = {}) =>
    desk(async (first, system) => {
      await first.deliver([new Story().says('hello')]);
      await use(first, system);
    }, more);

  it('is an answer without history, signature and what is internal', () =>
    opened(async (first, system) => {
      system.answer(first.ticket().id, { text: 'It is on its way.', author: 'Lin via RT' });
      const [box] = system.boxes;
      const quoted = 'Yes.\n\n> *** About this conversation: for agents only, not for the\n> customer ***\n> Level: vip\n\nNo.';
      system.mail(box!, { text: quoted, headers: { Precedence: 'bulk' } });
      const [one, two] = await replies(first);
      expect(one!.reply).toMatchObject({ text: 'It is on its way.', author: { name: 'Lin' } });
      expect(JSON.stringify(two)).not.toContain('vip');
    })); // prettier-ignore

  it.each([
    ['from somebody else', { from: 'Eve <eve@evil.example>' }, {}, 'answersFrom'],
    ['that nobody vouches for', {}, { proven: false }, 'not proven'],
    ['from a domain that ours only begins with', { from: 'lin@desk.example.evil.example' }, {}, 'answersFrom'],
  ])('is refused, and told to who wrote it: %s', (...[, content, how, why]) =>
    opened(async (first, system) => {
      system.mail(system.boxes[0]!, { text: 'Please pay to this account', ...content }, how);
      const [told] = await replies(first);
      expect(told!.refusal).toMatchObject({ code: 'unauthorized', message: expect.stringContaining(why) });
    }),
  );

  it('is refused with its file alone, or too large to be read', () =>
    opened(
      async (first, system) => {
        const attachments = [{ filename: 'a.bin', content: Buffer.from('x') }];
        system.mail(system.boxes[0]!, { text: '', subject: 'Re: hello', attachments }, { proven: false });
        system.mail(system.boxes[0]!, { text: 'words '.repeat(20_000) });
        const told = await replies(first);
        expect(told.map(({ refusal, files }) => [refusal?.message, files])).toEqual([
          [expect.stringContaining('not proven'), undefined],
          [expect.stringContaining('`mailbox.maxBytes`'), undefined],
        ]);
      },
      { mailbox: { maxBytes: 65_536 } },
    ));

  it.each([
    ['bears no mark of ours and is not proven', { text: 'Spam', subject: '[desk.example #1] hello' }, { about: false, proven: false }],
    ['is an automatic reply', { text: 'We got it', headers: { 'Auto-Submitted': 'auto-replied' } }, {}],
    ['says that somebody is away', { text: 'I am away', subject: 'Automatic reply: hello' }, {}],
    ['was made by a machine', { text: 'SLA is near', headers: { 'Auto-Submitted': 'auto-generated' } }, {}],
    ['says nothing', { text: '' }, {}],
  ])('is nothing where it %s', (_what, content, how) =>
    opened(async (first, system) => {
      await first.learn();
      system.mail(system.boxes[0]!, content, how);
      expect(await first.learn()).toEqual([]);
    }),
  ); // prettier-ignore

  it.each([
    ['no mark of ours', { subject: '[desk.example #1] hello' }, { about: false }],
    ['a forged one', { inReplyTo: `<t.${'a'.repeat(20)}.aaaa.${'b'.repeat(16)}.c@shop.example>`, references: [] }, {}],
  ])('that is an answer with %s is of no ticket, and is not dropped', (_what, content, how) =>
    opened(async (first, system) => {
      system.mail(system.boxes[0]!, { text: 'An answer', ...content }, how);
      const told = await replies(first);
      expect(told.map(({ ticketId, conversationId }) => [ticketId, conversationId])).toEqual([
        [expect.stringMatching(/^without a mark of ours/), undefined],
      ]);
    }),
  );

  it('is an answer also where mail goes to another address by now', () =>
    opened(async (first, system) => {
      system.answer(first.ticket().id, { text: 'An answer', author: 'Lin' });
      const page = await email.poll!.poll(null, first.context());
      const since = JSON.parse(page.cursor) as { INBOX: { uid: number } };
      const cursor = JSON.stringify({ INBOX: { ...since.INBOX, uid: 0 } });
      const moved = first.context({ config: { ...first.context().config, to: 'new@desk.example' } });
      expect((await email.poll!.poll(cursor, moved)).actions).toMatchObject([{ ticketId: first.ticket().id }]);
    }));

  it('made by a machine is an answer where the system makes all of them so', () =>
    opened(
      async (first, system) => {
        system.mail(system.boxes[0]!, { text: 'An answer', headers: { 'Auto-Submitted': 'auto-generated', Precedence: 'bulk' } });
        expect(await replies(first)).toHaveLength(1);
      },
      { machineAnswers: true },
    )); // prettier-ignore

  it('is read once, also after its folder was numbered anew', () =>
    opened(async (first, system) => {
      system.answer(first.ticket().id, { text: 'one', author: 'Lin' });
      const before = await replies(first);
      system.imap.inbox.validity += 1;
      system.answer(first.ticket().id, { text: 'two', author: 'Lin' });
      const after = await replies(first);
      expect(after.map(({ reply }) => reply.text)).toEqual(['one', 'two']);
      expect(after[0]!.dedupeKey).toBe(before[0]!.dedupeKey);
    }));
});

describe('the mails that are for agents alone', () => {
  it('say so, and that a machine wrote them', () =>
    desk(async (first, system) => {
      const story = new Story();
      await first.deliver([story.says('hello')]);
      await first.deliver([story.answers('message.failed', { text: 'our answer', status: 'failed' })]);
      const { raw } = system.mails[1]!;
      expect(raw).toContain('*** Internal note of the gateway');
      expect(header(raw, 'Auto-Submitted')).toBe('auto-generated');
      expect(header(raw, 'X-Auto-Response-Suppress')).toBe('All');
    }));

  it('tell no status where the settings say so', () =>
    desk(
      async (first, system) => {
        const story = new Story();
        await first.deliver([story.says('hello')]);
        await first.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
        expect(system.mails).toHaveLength(1);
      },
      { status: { tell: false } },
    ));
});

describe('files', () => {
  it('for which the server has no room are linked', () =>
    desk(
      async (first) => {
        const big = Buffer.alloc(60_000, 1);
        const openFile = first.context().openFile;
        const { Readable } = await import('node:stream');
        const large = async (id: string) => ({ ...(await openFile(id)), stream: Readable.from([big]), bytes: big.length });
        await first.deliver([new Story().says([{ type: 'text', text: 'look' }, picture({ bytes: big.length })])], { openFile: large });
        const [entry] = first.ticket().entries;
        expect(entry!.files).toEqual([]);
        expect(entry!.text).toContain('https://gateway.example/files/fil_1');
      },
      { smtp: { maxBytes: 65_536 } },
    )); // prettier-ignore
});

describe('the test of a destination', () => {
  const checked = (change: (system: FakeMailDesk) => void) =>
    new Promise<string>((done, fail) => {
      desk(async (first, system) => {
        change(system);
        const { ok, detail } = await email.check!(first.context());
        expect(ok).toBe(false);
        done(detail);
      }).catch(fail);
    });

  it('says what is wrong with the login, the folder, and who may be written to', async () => {
    expect(await checked((system) => void (system.imap.takes = () => false))).toContain('refuses the login');
    expect(await checked((system) => void system.imap.folders.delete('INBOX'))).toContain('"INBOX"');
    expect(await checked((system) => void (system.smtp.script = { AUTH: '535 5.7.8 no' }))).toContain('Sending (SMTP) fails');
    expect(await checked((system) => void (system.smtp.script = { RCPT: '550 5.1.1 nobody here' }))).toContain('there is no such recipient');
    expect(await checked((system) => void (system.smtp.script = { MAIL: '550 5.7.60 not yours' }))).toContain('may not send from this address');
  }, 60_000); // prettier-ignore

  it('hands over no mail', () =>
    desk(async (first, system) => {
      expect(await email.check!(first.context())).toMatchObject({ ok: true, detail: expect.stringContaining('desk@desk.example') });
      expect(system.mails).toEqual([]);
      expect(system.smtp.lines).toContainEqual(expect.stringContaining('RCPT TO:<desk@desk.example>'));
    })); // prettier-ignore
});
