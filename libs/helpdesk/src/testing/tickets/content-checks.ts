import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import type { Part } from '#normalizer';
import type { Check } from '#transport/testing';
import { FILE } from '../bench.js';
import { withDesks, type Desk } from './bench.js';
import { picture, Story } from './events.js';
import { seenText } from './seen.js';
import type { SeenEntry, TicketSubject } from './subject.js';

type TicketCheck = Check<TicketSubject>;

const hostile = '<script>alert(1)</script> & "quotes" <img src=x onerror=alert(1)> --> ]]> %s {{ticket.id}}';

const entry = (desk: Desk<unknown>, text: string): SeenEntry => {
  const found = desk.ticket().entries.find((one) => seenText(one).includes(text));
  ok(found, `"${text}" is in no entry: ${desk.ticket().entries.map(seenText).join(' | ')}`);
  return found;
};

const escaped: TicketCheck = {
  name: 'content: what customers write is text, in messages and notes, whatever it looks like',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story('cnv_hostile', { name: hostile });
      await desk.deliver([story.says(hostile)]);
      await desk.deliver([story.says(`second ${hostile}`)]);
      await desk.deliver([story.tells('message.deleted', { message: { text: hostile, direction: 'inbound' } })]);
      const { entries } = desk.ticket();
      ok(entries.length >= 4, 'an entry is missing');
      for (const { text, isHtml } of entries) {
        if (isHtml) ok(!/<script|<img/i.test(text), `markup of a customer is markup in the ticket: ${text}`);
        ok(
          seenText({ text, isHtml }).includes('<script>alert(1)</script>'),
          `what was written does not arrive letter by letter: ${text}`,
        );
      }
    }),
};

const kinds: [Part, string][] = [
  [{ type: 'html', html: '<p>rich <b>text</b></p>', text: 'rich text' }, 'rich text'],
  [{ type: 'text', text: '**Red** [one](https://shop.example/red)', format: 'markdown' }, 'Red one (https://shop.example/red)'],
  [{ type: 'location', latitude: 31.2304, longitude: 121.4737, name: 'Bund' }, '31.2304'],
  [{ type: 'contact-card', name: 'Li Lei', handles: [{ scheme: 'phone', value: '+8613900000000' }] }, '+8613900000000'],
  [{ type: 'link', url: 'https://shop.example/a?b=1&c=2', title: 'A thing' }, 'https://shop.example/a?b=1&c=2'],
  [{ type: 'choices', text: 'Which one?', options: [{ id: 'a', label: 'Red one' }, { id: 'b', label: 'Blue one' }] }, 'Blue one'],
  [{ type: 'choice', optionId: 'b', label: 'The blue one' }, 'The blue one'],
  [{ type: 'card', title: 'Order 4711', text: 'two pieces', actions: [{ label: 'Open', url: 'https://shop.example/4711' }] }, 'Order 4711'],
  [{ type: 'template', name: 'order_sent', values: { code: 'Z9' } }, 'Z9'],
  [{ type: 'unsupported', providerType: 'poll' }, 'poll'],
]; // prettier-ignore

const parts: TicketCheck = {
  name: 'content: every kind of part can be read',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('begin')]);
      for (const [part] of kinds) await desk.deliver([story.says([part])]);
      for (const [, words] of kinds) ok(entry(desk, words).isPublic);
    }),
};

const files: TicketCheck = {
  name: 'content: pictures come with their message; what is too large is linked; what comes late follows',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const { maxAttachmentBytes } = subject.connector.capabilities;
      const story = new Story();
      await desk.deliver([story.says([{ type: 'text', text: 'look' }, picture({ caption: 'my screen' })])]);
      await desk.deliver([story.says([picture({ name: 'two.png' }), picture({ name: 'two.png' })])]);
      const names = desk.ticket().entries.flatMap((one) => one.files.map(({ name }) => name));
      if (maxAttachmentBytes >= FILE.length) {
        const [first] = entry(desk, 'my screen').files;
        equal(first?.name, 'broken screen.png');
        deepStrictEqual(first.content, FILE, 'the picture is another one');
        equal(new Set(names).size, 3, `files with the same name are not told apart, or not there: ${names.join(', ')}`);
      } else {
        ok(seenText(entry(desk, 'my screen')).includes('https://gateway.example/files/fil_1'));
      }
      await desk.deliver([story.says([picture({ name: 'huge.png', bytes: maxAttachmentBytes + 1 })])]);
      const huge = entry(desk, 'huge.png');
      ok(huge.text.includes('https://gateway.example/files/fil_1'), 'a file that is too large is not linked');
      equal(huge.files.length, 0);
      await desk.deliver([story.says([picture({ name: 'late.png', state: 'pending', bytes: null })])]);
      equal(entry(desk, 'late.png').files.length, 0);
      const message = { parts: [picture({ name: 'late.png' })], text: '[image: late.png]' };
      await desk.deliver([
        story.tells('attachment.ready', { message, attachment: { fileId: 'fil_1', messageId: 'msg_1' } }),
      ]);
      const last = desk.ticket().entries.at(-1)!;
      if (maxAttachmentBytes >= FILE.length)
        equal(last.files[0]?.name, 'late.png', 'a file that came late is not there');
      await desk.deliver([
        story.tells('attachment.unavailable', {
          message,
          attachment: { fileId: 'fil_1', messageId: 'msg_1', reason: 'gone' },
        }),
      ]);
      equal(desk.ticket().entries.at(-1)!.isPublic, false);
    }),
};

const many: TicketCheck = {
  name: 'content: as many files as somebody sends at once are there, or linked',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const names = Array.from({ length: 40 }, (_, n) => `picture-${n}.png`);
      await desk.deliver([story.says('begin')]);
      await desk.deliver([story.says(names.map((name) => picture({ name, fileId: `fil_${name}` })))]);
      const { entries } = desk.ticket();
      const here = new Set(entries.flatMap(({ files: all }) => all.map(({ name }) => name)));
      const said = entries.map(({ text }) => text).join('\n');
      for (const name of names)
        ok(here.has(name) || said.includes(`/files/fil_${name}`), `${name} is neither there nor linked`);
    }),
};

const refusedFile: TicketCheck = {
  name: 'content: a file that the system or a proxy refuses is linked, and what was said with it is there, once',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      if (subject.serve) return;
      const respond = desk.system.respond.bind(desk.system);
      const refuse = (request: Parameters<typeof respond>[0]) => {
        const carries = [FILE.toString(), FILE.toString('base64')].some((bytes) => request.body.includes(bytes));
        return carries && request.method !== 'GET' ? { status: 413, body: 'too large' } : respond(request);
      };
      Object.assign(desk.system, { respond: refuse });
      const story = new Story();
      await desk.persist([story.says([{ type: 'text', text: 'begin with it' }, picture()])]);
      await desk.persist([story.says([{ type: 'text', text: 'go on with it' }, picture()])]);
      const said = desk.ticket().entries.filter(({ isPublic }) => isPublic);
      for (const words of ['begin with it', 'go on with it']) {
        const [one, ...more] = said.filter((each) => seenText(each).includes(words));
        ok(one && more.length === 0, `"${words}" is there ${more.length + (one ? 1 : 0)} times`);
        ok(one.text.includes('/files/fil_1'), `the file is not linked: ${one.text}`);
      }
    }),
};

const long: TicketCheck = {
  name: 'content: a long text arrives whole',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const text = Array.from({ length: 9_000 }, (_, n) => `word${n}<`).join(' ');
      await desk.persist([story.says('begin'), story.says(text)]);
      const said = desk
        .ticket()
        .entries.filter(({ isPublic }) => isPublic)
        .map(seenText)
        .join(' ');
      for (const n of [0, 1, 4_500, 8_998, 8_999]) ok(new RegExp(`word${n}<(\\s|$)`).test(said), `word ${n} is lost`);
      const before = desk.ticket().entries.length;
      await desk.deliver([{ ...story.says(text), id: `evt_story2` }], { unsure: true });
      equal(desk.ticket().entries.length, before, 'a long text is doubled');
    }),
};

const notes: TicketCheck = {
  name: 'content: failures, recalls, reactions, and answers written elsewhere are internal notes in words',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story('cnv_story', { threads: 2 });
      const own = `destination:${subject.destinations[0].id}`;
      await desk.deliver([story.says('hello')]);
      const failure = {
        code: 'window-closed',
        message: 'the reply window closed at 10:30',
        retryable: false,
        owner: 'agent',
      } as const;
      await desk.deliver([story.answers('message.failed', { text: 'our answer', status: 'failed', failure })]);
      const failed = entry(desk, 'the reply window closed at 10:30');
      ok(
        seenText(failed).includes('our answer') && seenText(failed).includes('sms-twilio'),
        'the note does not say what failed and what else there is',
      );
      await desk.deliver([
        story.answers('message.queued', { text: 'from the API', parts: [{ type: 'text', text: 'from the API' }] }),
        story.answers('message.sent', {
          text: 'from a phone',
          parts: [{ type: 'text', text: 'from a phone' }],
          author: { kind: 'agent', id: null, name: 'Mei', via: 'channel' },
        }),
        story.tells('message.deleted', { message: { text: 'taken back' } }),
        story.tells('message.reaction', { message: { text: 'liked' }, reaction: { emoji: '👍', removed: false } }),
      ]);
      for (const words of ['the reply window closed', 'from the API', 'from a phone', 'taken back', '👍'])
        equal(entry(desk, words).isPublic, false, `"${words}" is public`);
      const before = desk.writes;
      const ours = {
        text: 'our own',
        parts: [{ type: 'text' as const, text: 'our own' }],
        author: { kind: 'agent' as const, id: null, name: 'Lin', via: own },
      };
      await desk.deliver([
        story.answers('message.queued', ours),
        story.answers('message.sent', { ...ours, status: 'sent' }),
      ]);
      equal(desk.writes, before, 'what an agent wrote in this system is written into it again');
      await desk.deliver([
        story.tells('message.edited', { message: { text: 'better', parts: [{ type: 'text', text: 'better' }] } }),
      ]);
      ok(entry(desk, 'better').isPublic);
    }),
};

const changed: TicketCheck = {
  name: 'content: what changes of a person or a conversation is in its field, or in an internal note, once; nothing else makes noise',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const own = `destination:${subject.destinations[0].id}`;
      await desk.deliver([story.says('hello')]);
      const { contact } = story.tells('contact.updated', {}).data!;
      const company = { id: 'cmp_2', name: 'Beta & Co', level: 'gold' };
      const updated = story.tells('contact.updated', { contact: { ...contact!, company }, changes: ['company'] });
      const { conversation: _, ...person } = updated.data!;
      const prioritised = story.tells('conversation.updated', { changes: ['priority'] });
      const events = [
        { ...updated, data: person },
        {
          ...prioritised,
          data: {
            ...prioritised.data,
            conversation: { ...prioritised.data!.conversation!, priority: 'urgent' as const },
          },
        },
      ];
      const before = desk.ticket().entries.length;
      for (const event of events) await desk.deliver([event]);
      for (const event of events) await desk.deliver([event], { unsure: true });
      const { entries, fields } = desk.ticket();
      const added = entries.slice(before);
      const notes = added.map(seenText).join('\n');
      ok(
        added.every(({ isPublic }) => !isPublic),
        'customers see what is known of them',
      );
      equal(added.length, 2, `not one note each: ${notes}`);
      for (const words of ['gold', 'urgent']) ok(notes.includes(words), `"${words}" is told nowhere: ${notes}`);
      if (subject.fields) equal(fields[subject.fields.company], 'Beta & Co', 'the field is as it was');
      else ok(notes.includes('Beta & Co'), 'the new company is told nowhere');
      const writes = desk.writes;
      await desk.deliver([story.tells('conversation.updated', { changes: ['subject', 'metadata'] })]);
      await desk.deliver([story.tells('conversation.updated', { changes: ['status'], via: own })]);
      equal(desk.writes, writes, 'something is written that is no news to agents');
    }),
};

const erasure: TicketCheck = {
  name: 'content: when a customer is erased, their tickets say so',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      desk.book.clear();
      const before = desk.ticket().entries.length;
      const erased = {
        ...story.tells('contact.erased', {}),
        id: 'evt_erased',
        data: { erasure: { id: 'era_1', contactIds: ['con_1'], conversationIds: ['cnv_story', 'cnv_none'] } },
      };
      await desk.deliver([erased]);
      await desk.deliver([erased], { unsure: true });
      const entries = desk.ticket().entries.slice(before);
      deepStrictEqual(
        entries.map(({ isPublic }) => isPublic),
        [false],
      );
    }),
};

export const contentChecks: readonly TicketCheck[] = [
  escaped,
  parts,
  files,
  many,
  refusedFile,
  long,
  notes,
  changed,
  erasure,
];
