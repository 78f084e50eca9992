import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { ReplyInput } from '#normalizer';
import { MalformedRequest, receive, type RawRequest } from '#transport';
import { hostileBodies, isPolluted, type Check } from '#transport/testing';
import type { HelpdeskAction } from '../../core/connector.js';
import { verifyContext, type Which } from '../bench.js';
import { asConnectorSubject } from './adapted.js';
import { withDesks } from './bench.js';
import { picture, Story } from './events.js';
import { seenText } from './seen.js';
import type { TicketSubject } from './subject.js';

type TicketCheck = Check<TicketSubject>;

const FILE = Buffer.from('%PDF-1.4 a manual');
const writing = { text: 'Please restart it <now> & again', author: 'Lin Daiyu' };
const replies = (actions: readonly HelpdeskAction[]) =>
  actions.flatMap((action) => (action.kind === 'reply' ? action : []));

const answers: TicketCheck = {
  name: "answers: an agent's public answer comes with its author, once; internal notes never do",
  run: (subject) =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      const called = desk.system.answer(id, writing);
      const first = await desk.learn(called);
      const again = called ? await desk.learn(called) : [];
      const [reply, ...others] = replies(first);
      ok(reply && others.length === 0, `one answer is told as ${replies(first).length}`);
      equal(reply.ticketId, id);
      const { text, author } = ReplyInput.parse(reply.reply);
      equal(text?.trim(), writing.text);
      equal(author?.name, writing.author);
      for (const one of replies(again)) equal(one.dedupeKey, reply.dedupeKey, 'the same answer has two keys');
      const secret = await desk.learn(
        desk.system.note(id, { text: 'this customer is difficult', author: 'Lin Daiyu' }),
      );
      deepStrictEqual(replies(secret), [], 'an internal note is told as an answer');
      const second = replies(await desk.learn(desk.system.answer(id, { ...writing, text: 'Second' })));
      equal(second.length, 1);
      ok(second[0]!.dedupeKey !== reply.dedupeKey, 'two answers share a key');
    }),
};

const shares: TicketCheck = {
  name: 'answers: who uses the account of the gateway answers too, and what the gateway wrote by it does not come back',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      await desk.deliver([story.says([picture()])]);
      const { id } = desk.ticket();
      const called = desk.system.answer(id, { ...writing, asUs: true });
      await desk.deliver([story.says('and more [as ever]')]);
      await desk.deliver([story.answers('message.failed', { text: 'x', status: 'failed' })]);
      const [reply, ...others] = replies(await desk.learn(called));
      if (subject.ownAccount) return equal(reply, undefined, 'it can be told after all: nothing needs a reason');
      equal(reply?.reply.text?.trim(), writing.text, 'an answer is taken for our own writing');
      equal(others.length, 0, 'our own writing comes back');
      deepStrictEqual(
        replies(await desk.learn(desk.system.note(id, { ...writing, asUs: true }))),
        [],
        'an internal note is told as an answer',
      );
    }),
};

const quotes: TicketCheck = {
  name: 'answers: who quotes what we wrote, above or below their words, answers; no mark of ours goes to a customer',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      await desk.deliver([story.says('hello')]);
      await desk.deliver([story.says([picture()])]);
      const { id, entries } = desk.ticket();
      const quoted = entries
        .filter(({ isPublic }) => isPublic)
        .map((entry) => `> ${seenText(entry).trim().replace(/\n/g, '\n> ')}`);
      ok(quoted.length > 1, 'there is nothing to quote');
      for (const asUs of subject.ownAccount ? [false] : [false, true])
        for (const [n, quote] of quoted.entries())
          for (const isAbove of [true, false]) {
            const words = `Restart it ${asUs} ${n} ${isAbove}`;
            const text = isAbove ? `${quote}\n\n${words}` : `${words}\n\n${quote}`;
            const [reply, ...others] = replies(await desk.learn(desk.system.answer(id, { ...writing, text, asUs })));
            ok(reply && others.length === 0, `an answer with a quote is told as ${others.length + (reply ? 1 : 0)}`);
            const { text: told = '' } = reply.reply;
            ok(told.includes(words), `an answer with a quote is told as ${told}`);
            ok(!/(evt|cnv)_/.test(told), `the customer gets a mark of ours: ${told}`);
          }
    }),
};

const attached: TicketCheck = {
  name: 'answers: files of an answer can be opened, byte by byte',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      await desk.deliver([new Story().says('hello')]);
      const { id } = desk.ticket();
      const files = [{ name: 'manual 说明.pdf', mimeType: 'application/pdf', content: FILE }];
      const [reply] = replies(await desk.learn(desk.system.answer(id, { ...writing, files })));
      equal(reply?.files?.length, 1, 'the file is not told');
      const { openFile } = subject.connector;
      ok(openFile, 'there is no openFile()');
      const { stream } = await openFile(reply!.files![0]!.ref, desk.context());
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      deepStrictEqual(Buffer.concat(chunks), FILE);
      equal(reply!.files![0]!.name, 'manual 说明.pdf');
      const alone = replies(await desk.learn(desk.system.answer(id, { text: '', author: 'Lin Daiyu', files })));
      equal(alone[0]?.files?.length, 1, 'an answer that is a file alone is not told');
    }),
};

const echo: TicketCheck = {
  name: 'answers: what we write ourselves is not told as the doing of an agent',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const events = [
        story.says('hello'),
        story.says([picture()]),
        story.says('a line of its own'),
        story.answers('message.failed', { text: 'x', status: 'failed' }),
        story.tells('conversation.closed', { conversationStatus: 'closed' }),
        story.tells('conversation.reopened', {}),
      ];
      // Together, lines would be folded into the opening where the system takes several at once.
      for (const event of events) await desk.deliver([event]);
      for (const called of [null, ...(desk.system.ownCallbacks?.() ?? [])])
        deepStrictEqual(await desk.learn(called), [], 'our own writing comes back');
    }),
};

const closing: TicketCheck = {
  name: 'status: closing and reopening are carried both ways, and not back again',
  run: (subject) =>
    withDesks(subject, async (desk) => {
      const story = new Story();
      const own = `destination:${subject.destinations[0].id}`;
      await desk.deliver([story.says('hello')]);
      const { id } = desk.ticket();
      const status = () => desk.ticket().status;
      await desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })]);
      equal(status(), 'closed', 'a closed conversation does not close its ticket');
      await desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed' })], { unsure: true });
      equal(status(), 'closed');
      await desk.deliver([story.tells('conversation.reopened', {})]);
      equal(status(), 'open', 'a reopened conversation does not open its ticket');
      await desk.learn();
      const told = async (to: 'open' | 'closed') =>
        (await desk.learn(desk.system.setStatus(id, to))).flatMap((action) =>
          action.kind === 'status' ? [[action.ticketId, action.status]] : [],
        );
      deepStrictEqual(await told('closed'), [[id, 'closed']], 'an agent closes the ticket, and it is not told');
      const before = desk.writes;
      await desk.deliver([story.tells('conversation.closed', { conversationStatus: 'closed', via: own })]);
      equal(desk.writes, before, 'what an agent did in this system is done in it again');
      deepStrictEqual(await told('open'), [[id, 'open']], 'an agent opens the ticket, and it is not told');
    }),
};

/** The requests with which the system calls back; none where it does not. */
async function callbacksOf(subject: TicketSubject): Promise<RawRequest[]> {
  if (!subject.connector.callback) return [];
  return withDesks(subject, async (desk) => {
    await desk.deliver([new Story().says('hello')]);
    const { id } = desk.ticket();
    const made = [desk.system.answer(id, writing), desk.system.setStatus(id, 'closed')].flatMap((one) => one ?? []);
    ok(made.length > 0, 'there is a callback, and the fake calls nothing');
    return made;
  });
}

const refused = (subject: TicketSubject, request: RawRequest, what: string): void => {
  const callback = subject.connector.callback!;
  let parsed = false;
  const spied = { verify: callback.verify.bind(callback), parse: () => ((parsed = true), { actions: [] }) };
  const { kind } = receive(spied, request, verifyContext(asConnectorSubject(subject), 0));
  ok(kind === 'reject' && !parsed, `${what} is taken (${kind})`);
};

const forged: TicketCheck = {
  name: 'callback: rejects what is not signed, is of another destination, or has one byte changed',
  async run(subject) {
    const sign = (request: RawRequest, which: Which) =>
      subject.sign!(request, verifyContext(asConnectorSubject(subject), which));
    for (const request of await callbacksOf(subject)) {
      ok(subject.sign, 'there is a callback, and no sign()');
      refused(subject, request, 'an unsigned request');
      refused(subject, sign(request, 1), 'a foreign signature');
      const genuine = sign(request, 0);
      for (const at of [0, genuine.body.length >> 1, genuine.body.length - 1]) {
        const body = Buffer.from(genuine.body);
        body[at] = (body[at] ?? 0) ^ 1;
        refused(subject, { ...genuine, body }, `byte ${at} changed`);
      }
    }
  },
};

const hostile: TicketCheck = {
  name: 'callback: survives hostile bodies',
  async run(subject) {
    const { callback } = subject.connector;
    const ctx = verifyContext(asConnectorSubject(subject), 0);
    for (const request of await callbacksOf(subject))
      for (const { name, body } of hostileBodies(request.body, callback!.maxBytes)) {
        try {
          receive(callback!, subject.sign!({ ...request, body }, ctx), ctx);
        } catch (error) {
          ok(error instanceof MalformedRequest, `a body that is ${name} throws ${String(error)}`);
        }
        ok(!isPolluted(), `a body that is ${name} wrote to Object.prototype`);
      }
  },
};

export const answerChecks: readonly TicketCheck[] = [answers, shares, quotes, attached, echo, closing, forged, hostile];
