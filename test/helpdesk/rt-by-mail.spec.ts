import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { MailServers, mailServersMissing, PASSWORDS } from '../email/mail-servers.js';
import { startGateway, stopEverything, until, type Gateway } from '../support/index.js';
import { ChatCustomer } from './customers.js';
import { RealRt, rtMissing } from './real-rt.js';

jest.setTimeout(300_000);

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const MANUAL = { name: 'manual.pdf', content: Buffer.from('%PDF-1.4\n%%EOF') };
/** As whom the border of our mail servers writes what it found of a sender. */
const BORDER = hostname().toLowerCase();

let rt: RealRt;
let servers: MailServers;
let gateway: Gateway;
let customer: ChatCustomer;
let post: Post;

/** Carries mail between the mail servers and RT, as the mail server of a company does: what RT sends is proven to be RT's. */
class Post {
  private readonly carried = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  private carrying: Promise<void> = Promise.resolve();
  /** What RT was given, in order. */
  readonly toRt: string[] = [];

  constructor() {
    this.timer = setInterval(() => (this.carrying = this.carrying.then(() => this.carry())), 300);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.carrying;
  }

  private async carry(): Promise<void> {
    const waiting = (await servers.mails('desk')).filter((raw) => !this.carried.has(raw));
    for (const raw of waiting.sort((a, b) => dateOf(a) - dateOf(b))) {
      this.carried.add(raw);
      this.toRt.push(raw);
      await rt.takeMail(raw.slice(raw.indexOf('Received:')));
    }
    for (const { name, raw } of await rt.outgoing()) {
      if (this.carried.has(name) || !/^To: .*support(?:\+\S+)?@shop\.test/im.test(raw)) continue;
      this.carried.add(name);
      await servers.deliver(`Authentication-Results: ${BORDER}; dmarc=pass header.from=gw.test\r\n${raw}`);
    }
  }
}

const idOf = (raw: string) => /^Message-ID:\s+(<\S+>)/im.exec(raw)![1]!;
const dateOf = (raw: string) => Date.parse(/^Date: (.*)$/m.exec(raw)?.[1] ?? '');

async function open(): Promise<void> {
  [rt, servers] = await Promise.all([RealRt.start(undefined, { byMail: true }), MailServers.start()]);
  const tls = { ca: servers.certificate.cert, serverName: 'mail.test' };
  const mailbox = {
    ...{ address: 'support@shop.test', name: 'Shop', password: PASSWORDS.support, replyAddress: 'plus' },
    authentication: { servers: [BORDER], verify: false },
    imap: { host: '127.0.0.1', port: servers.places.imaps, tls },
    smtp: { host: '127.0.0.1', port: servers.places.smtps, tls },
  };
  const desk = {
    ...{ to: 'desk@desk.test', answersFrom: ['support@gw.test'], subjectTag: 'required', mailbox },
    status: { tell: false, marks: { closed: ['Resolved:'] } },
  };
  gateway = await startGateway({
    config: {
      accounts: [{ id: 'web', type: 'webchat', name: 'Shop chat', config: {} }],
      destinations: [{ id: 'desk', type: 'email', config: desk }],
    },
  });
  post = new Post();
  customer = await ChatCustomer.enter(gateway.url);
}

async function close(): Promise<void> {
  customer?.leave();
  await post?.close();
  await stopEverything();
  await Promise.all([rt?.close(), servers?.close()]);
}

/** Mail servers deliver as they please: what was sent last may come before the rest. */
const entries = (...words: string[]) =>
  until(
    `"${words.join('", "')}" in the ticket`,
    async () => {
      const found = await rt.entries('1').catch(() => []);
      return words.every((one) => found.some(({ text }) => text.includes(one))) && found;
    },
    120_000,
  );
const answer = (words: string) =>
  until(`the answer "${words}"`, () => customer.answers.find((one) => JSON.stringify(one).includes(words)), 120_000);
const conversation = async () =>
  (await gateway.api.get<{ items: { id: string; status: string }[] }>('/v1/conversations')).body.items[0]!;

const missing = () => rtMissing() ?? mailServersMissing();

describeOnServer('a real Request Tracker that only mail reaches (Exim, Dovecot, rt-mailgate)', missing(), (title) => {
  describe(title, () => {
    beforeAll(open);
    afterAll(close);

    it('passes the test of its settings', async () => {
      const { body } = await gateway.api.post<{ ok: boolean; detail: string }>('/v1/destinations/desk/check');
      expect(body).toMatchObject({ ok: true, detail: expect.stringContaining('desk@desk.test') });
    });

    it('gets what a customer writes by web chat as one thread of mails, which is one ticket', async () => {
      await customer.writes('My lamp is broken\n灯坏了', { name: 'lamp.png', content: PICTURE });
      await customer.writes('It blinks');
      await customer.writes('And it hums');
      const found = await entries('It blinks', 'And it hums');
      expect(found.filter(({ type }) => type !== 'Comment')).toHaveLength(3);
      for (const words of ['My lamp is broken', '灯坏了']) expect(found[0]!.text).toContain(words);
      expect(found[0]!.text).toContain(`/console/conversations/${(await conversation()).id}`);
      expect(found[0]!.files.map(({ name }) => name)).toEqual(['lamp.png']);
      expect(await rt.content(found[0]!.files[0]!.id)).toEqual(PICTURE);
      expect(await rt.tickets()).toMatchObject([
        { subject: 'My lamp is broken', requestors: [expect.stringMatching(/^support\+\S+@shop\.test$/)] },
      ]);
      expect(post.toRt.slice(1).map((raw) => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim())).toEqual(
        Array(2).fill('Re: [gw.test #1] My lamp is broken'),
      );
    });

    it('answers, and the customer sees the words of the agent alone, with the file', async () => {
      await rt.correspond('1', '<p>Please turn it off and on again</p>', MANUAL);
      const said = await answer('Please turn it off and on again');
      expect(said).toMatchObject({ name: 'Lin Daiyu' });
      expect(JSON.stringify(said)).toContain('manual.pdf');
      await rt.comment('1', 'what a difficult customer');
      await customer.writes('That helped');
      await entries('That helped');
      await rt.correspond('1', '<p>You are welcome</p>');
      await answer('You are welcome');
      const seen = JSON.stringify(customer.answers);
      expect(customer.answers).toHaveLength(2);
      for (const words of ['difficult', 'AutoReply', 'My lamp', 'For agents', 'console/conversations'])
        expect(seen).not.toContain(words);
    });

    it('reads in a note that the answer of somebody else did not go out', async () => {
      const id = idOf(post.toRt[0]!);
      const forged = ['From: Lin Daiyu <lin@evil.test>', 'To: support@shop.test', `In-Reply-To: ${id}`, 'Subject: Re: lamp'];
      await servers.deliver([...forged, 'Message-ID: <forged@evil.test>', '', 'Pay to this account', ''].join('\r\n'));
      const found = await entries('lin@evil.test');
      expect(found.at(-1)!.text).toContain('Internal note of the gateway');
      expect(JSON.stringify(customer.answers)).not.toContain('Pay to this account');
    }); // prettier-ignore

    it('passes on what a stranger mails to the ticket, and that goes to nobody', async () => {
      const head = ['From: Eve <eve@evil.test>', 'To: support@gw.test', 'Subject: Re: [gw.test #1] lamp'];
      await rt.takeMail([...head, 'Message-ID: <eve@evil.test>', '', 'Please pay to 666', ''].join('\n'));
      await entries('Please pay to 666', 'eve@evil.test, for whom support@gw.test passes it on');
      expect(JSON.stringify(customer.answers)).not.toContain('Please pay');
    });

    it('closes the conversation by the mail that tells so, and nobody is sent that', async () => {
      await rt.setStatus('1', 'resolved');
      await until('the conversation to be closed', async () => (await conversation()).status === 'closed' || undefined, 60_000);
      expect(customer.answers).toHaveLength(2);
    }); // prettier-ignore

    it('is told everything where the gateway is killed, and what it is told twice under one id', async () => {
      for (const afterMs of [20, 150, 400]) {
        await customer.writes(`killed after ${afterMs} ms`);
        await delay(afterMs);
        await gateway.restart();
        customer.leave();
        customer = await ChatCustomer.enter(gateway.url);
      }
      const told = async () => (await Promise.all((await rt.tickets()).map(({ id }) => rt.entries(id)))).flat();
      const times = async (words: string) => (await told()).filter(({ text }) => text.includes(words)).length;
      for (const afterMs of [20, 150, 400])
        await until(
          `what was written ${afterMs} ms before the end`,
          () => times(`killed after ${afterMs} ms`),
          180_000,
        );
      await customer.writes('the last word');
      await until('the last word', () => times('the last word'), 120_000);
      for (const afterMs of [20, 150, 400]) {
        const mails = post.toRt.filter((raw) => raw.includes(`killed after ${afterMs} ms`));
        expect(mails.length).toBeGreaterThan(0);
        expect(new Set(mails.map(idOf)).size).toBe(1);
      }
    });
  });
});
