import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeOnServer, openGate, type Gate } from '#helpdesk/testing';
import { deliver, FakeSmsc } from '../../libs/channels/src/sms-smpp/testing/fake-smsc.js';
import { startGateway, stopEverything, until, type Gateway } from '../support/index.js';
import { ChatCustomer } from './customers.js';
import { RealRt, rtMissing, type RtEntry } from './real-rt.js';

jest.setTimeout(300_000);

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const MANUAL = {
  name: '说明.pdf',
  content: Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF'),
};

let rt: RealRt;
let gate: Gate;
let gateway: Gateway;
let smsc: FakeSmsc;
const customers: ChatCustomer[] = [];

async function open(): Promise<void> {
  [rt, gate, smsc] = await Promise.all([RealRt.start(undefined, { byMail: true }), openGate(), FakeSmsc.start()]);
  gate.lead(rt.port);
  const sms = {
    host: '127.0.0.1',
    port: smsc.port,
    systemId: 'shop',
    password: 'the-password-of-the-tests',
    from: '80808',
  };
  gateway = await startGateway({
    config: {
      accounts: [
        { id: 'web', type: 'webchat', name: 'Shop chat', config: {} },
        {
          id: 'sms',
          type: 'sms-smpp',
          name: 'Hotline',
          config: { ...sms, throughput: { perSecond: 100, perRecipientPerMinute: 600 } },
        },
      ],
      destinations: [
        {
          id: 'rt',
          type: 'rt',
          config: { apiBase: `http://127.0.0.1:${gate.port}`, token: rt.gatewayToken, fields: { company: 'Company' } },
        },
      ],
    },
  });
}

async function close(): Promise<void> {
  customers.splice(0).forEach((customer) => customer.leave());
  await stopEverything();
  await Promise.all([rt?.close(), gate?.close(), smsc?.close()]);
}

async function enter(): Promise<ChatCustomer> {
  const customer = await ChatCustomer.enter(gateway.url);
  customers.push(customer);
  return customer;
}

async function text(from: string, said: string): Promise<void> {
  const source = { ton: 1, npi: 1, address: from.slice(1) };
  const octets = Buffer.from(said, 'utf16le').swap16();
  await until(`${said} to be taken`, () => smsc.say(deliver({ source, dataCoding: 8, octets })));
}

/** The ticket in which this was written. */
function ticketWith(words: string): Promise<string> {
  return until(
    `a ticket with "${words}"`,
    async () => {
      for (const { id } of (await rt.tickets()).reverse())
        if ((await rt.entries(id)).some((one) => one.text.includes(words))) return id;
      return null;
    },
    120_000,
  );
}

/** What customers wrote in a ticket, by the gateway; once all of these stand in it. */
function written(ticketId: string, last: string): Promise<RtEntry[]> {
  return until(
    `"${last}" in ticket ${ticketId}`,
    async () => {
      const entries = (await rt.entries(ticketId)).filter(
        ({ type, creator }) => type !== 'Comment' && creator === 'gateway',
      );
      return entries.some((one) => one.text.includes(last)) && entries;
    },
    180_000,
  );
}

/** Has what waits for its next attempt tried now, as an operator does who knows that RT is back. */
async function goOn(): Promise<void> {
  for (const what of ['pause', 'resume']) await gateway.api.post(`/v1/destinations/rt/${what}`);
}

const linesOf = (entries: readonly RtEntry[]) => entries.flatMap((one) => /line \d+ of \w+/.exec(one.text) ?? []);
const statusOf = async (ticketId: string) => (await rt.tickets()).find(({ id }) => id === ticketId)?.status;
const conversations = async () =>
  (
    await gateway.api.get<{ items: { id: string; status: string; references: { ticketId: string }[] }[] }>(
      '/v1/conversations?limit=200',
    )
  ).body.items;
const conversationOf = async (ticketId: string) =>
  (await conversations()).find(({ references }) => references.some((one) => one.ticketId === ticketId));

describeOnServer('a real Request Tracker', rtMissing(), (title) => {
  describe(title, () => {
    beforeAll(open);
    afterAll(close);

    it('takes the settings that its README says', async () => {
      const { body } = await gateway.api.post<{ ok: boolean; detail: string }>('/v1/destinations/rt/check');
      expect(body).toEqual({ ok: true, detail: expect.stringMatching(/^RT 5.*General/) });
      expect(await rt.tickets()).toEqual([]);
    });

    it('shows what a customer writes in the chat, with its picture; the answer and its file reach them', async () => {
      const customer = await enter();
      await customer.writes('My <b>screen</b> is broken 屏幕坏了', { name: '截图 1.png', content: PICTURE });
      const ticket = await ticketWith('屏幕坏了');
      const [opening] = await written(ticket, '屏幕坏了');
      expect(opening!.text).toContain('My &#60;b&#62;screen&#60;/b&#62; is broken');
      expect(opening!.files).toMatchObject([{ name: '截图 1.png' }]);
      expect(await rt.content(opening!.files[0]!.id)).toEqual(PICTURE);
      const [found] = await rt.tickets();
      expect(found).toMatchObject({
        subject: expect.stringContaining('screen'),
        status: expect.stringMatching(/new|open/),
        requestors: [expect.stringMatching(/^tributary-con_/)],
      });
      const about = await until('the note', async () =>
        (await rt.entries(ticket)).find(({ type }) => type === 'Comment'),
      );
      expect(about.text).toMatch(/Shop chat[^]*\/console\/conversations\/cnv_/);

      await rt.comment(ticket, 'this customer is difficult');
      await rt.correspond(ticket, '<p>Please <b>restart</b> it &amp; look at this.</p>', MANUAL);
      const answer = await until('the answer', () => customer.answers[0], 60_000);
      expect(answer).toMatchObject({
        name: 'Lin Daiyu',
        parts: [
          { type: 'text', text: 'Please restart it & look at this.' },
          { type: 'media', name: MANUAL.name },
        ],
      });
      const { url } = answer.parts[1] as { url: string };
      expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(MANUAL.content);
      await customer.writes('thank you');
      await written(ticket, 'thank you');
      expect(customer.answers).toHaveLength(1);
      expect(JSON.stringify(customer.frames)).not.toContain('difficult');
    });

    it('shows what a customer writes by SMS, and the answer goes out by SMS', async () => {
      await text('+4915112345001', 'Wo ist mein Paket? 📦');
      const ticket = await ticketWith('Wo ist mein Paket? 📦');
      expect((await written(ticket, 'Paket'))[0]!.text).toContain('+4915112345001');
      await rt.correspond(ticket, '<p>Unterwegs.</p>');
      await until(
        'the SMS',
        () =>
          smsc.submitted.find(
            ({ destination, text: said }) => destination.address === '4915112345001' && said === 'Unterwegs.',
          ),
        60_000,
      );
    });

    it('shows what becomes known of a customer: the company in its field, the level in a comment', async () => {
      const ticket = await ticketWith('Wo ist mein Paket? 📦');
      const companies = await gateway.api.post<{ id: string }>('/v1/companies', { name: 'Acme & Söhne', level: 'vip' });
      const found = await gateway.api.get<{ items: { id: string }[] }>('/v1/contacts?handle=phone:%2B4915112345001');
      await gateway.api.patch(`/v1/contacts/${found.body.items[0]!.id}`, { companyId: companies.body.id });
      await until('the field', async () => (await rt.field(ticket, 'Company')) === 'Acme & Söhne', 60_000);
      const told = await until(
        'the comment',
        async () => (await rt.entries(ticket)).find(({ type, text: said }) => type === 'Comment' && /vip/.test(said)),
        60_000,
      );
      expect(told.text).not.toContain('Acme');
    });

    it('closes the conversation when the ticket is resolved, and opens the ticket when the customer writes again', async () => {
      const customer = await enter();
      await customer.writes('please close me');
      const ticket = await ticketWith('please close me');
      await rt.setStatus(ticket, 'resolved');
      await until(
        'the conversation to be closed',
        async () => (await conversationOf(ticket))?.status === 'closed',
        60_000,
      );
      await customer.writes('not yet done');
      await written(ticket, 'not yet done');
      await until('the ticket to be open', async () => (await statusOf(ticket)) === 'open', 60_000);
      const { id } = (await conversationOf(ticket))!;
      await gateway.api.patch(`/v1/conversations/${id}`, { status: 'closed' });
      await until('the ticket to be resolved', async () => (await statusOf(ticket)) === 'resolved', 60_000);
    });

    it('loses and doubles nothing while it is stopped and started, slow, and cut off after it has written', async () => {
      const [customer, phone] = [await enter(), '+4915112345002'];
      let count = 0;
      const say = async (times: number) => {
        for (let i = 0; i < times; i += 1) {
          count += 1;
          await Promise.all([customer.writes(`line ${count} of chat`), text(phone, `line ${count} of sms`)]);
        }
      };
      const later = (ms: number) => new Promise((done) => setTimeout(done, ms));
      await say(1);
      await Promise.all(['chat', 'sms'].map((channel) => ticketWith(`line 1 of ${channel}`)));
      gate.set('reset');
      await say(2);
      await later(4_000);
      gate.set('open');
      await goOn();
      await say(1);
      await rt.stop();
      await say(2);
      await rt.begin();
      await goOn();
      gate.set('mute');
      await say(1);
      await later(3_000);
      gate.cut();
      gate.set('open');
      await say(1);
      await goOn();
      for (const channel of ['chat', 'sms']) {
        const ticket = await ticketWith(`line 1 of ${channel}`);
        const lines = linesOf(await written(ticket, `line ${count} of ${channel}`));
        expect(lines).toEqual(Array.from({ length: count }, (_, n) => `line ${n + 1} of ${channel}`));
      }
    });

    it('loses and doubles nothing when the gateway is killed with tickets and entries under way', async () => {
      const phones = ['+4915112345003', '+4915112345004', '+4915112345005'];
      for (let line = 1; line <= 4; line += 1) {
        for (const phone of phones) await text(phone, `line ${line} of p${phone.slice(-1)}`);
        gate.set(line % 2 ? 'reset' : 'open');
        await new Promise((later) => setTimeout(later, 150 * line));
        await gateway.kill9();
        gate.set('open');
        await gateway.start();
      }
      await goOn();
      const all = await rt.tickets();
      for (const phone of phones) {
        const [first, last] = [`line 1 of p${phone.slice(-1)}`, `line 4 of p${phone.slice(-1)}`];
        const ticket = await ticketWith(first);
        expect(linesOf(await written(ticket, last))).toEqual(
          [1, 2, 3, 4].map((n) => `line ${n} of p${phone.slice(-1)}`),
        );
      }
      expect(new Set(all.map(({ requestors }) => requestors.join())).size).toBe(all.length);
    });

    it('is told apart from what the gateway believes: a ticket that was deleted is reported, and made again by a replay', async () => {
      await text('+4915112345006', 'delete me');
      const ticket = await ticketWith('delete me');
      await until(
        'its delivery to be noted',
        async () => (await gateway.api.deliveries('rt', 'pending')).length === 0,
        60_000,
      );
      const range = { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date().toISOString(), limit: 100 };
      const reconcile = async () =>
        (
          await gateway.api.post<{ items: { conversationId: string; problem: string; eventIds: string[] }[] }>(
            '/v1/destinations/rt/reconcile',
            range,
          )
        ).body.items;
      expect(await reconcile()).toEqual([]);
      const { id } = (await conversationOf(ticket))!;
      await rt.setStatus(ticket, 'deleted');
      const [lack, ...others] = await reconcile();
      expect([lack, others]).toMatchObject([{ conversationId: id, problem: 'no-ticket' }, []]);
      await gateway.api.post('/v1/destinations/rt/replay', { ids: lack!.eventIds });
      const again = await ticketWith('delete me');
      expect(again).not.toBe(ticket);
      expect(await written(again, 'delete me')).toHaveLength(1);
    });

    it('goes on in the ticket that is left when those of two persons are merged, and answers whose it is', async () => {
      for (const phone of ['+4915112345007', '+4915112345008']) await text(phone, `merge ${phone}`);
      const [into, from] = [await ticketWith('merge +4915112345007'), await ticketWith('merge +4915112345008')];
      await rt.mergeInto(from, into);
      await text('+4915112345008', 'after the merge');
      const said = (await written(into, 'after the merge')).find((one) => one.text.includes('after the merge'));
      expect(said!.text).toContain('+4915112345008');
      await rt.correspond(into, '<p>To whose ticket it is.</p>');
      const sent = () => smsc.submitted.filter((one) => one.text.startsWith('To whose ticket'));
      await until('the SMS', () => sent()[0], 60_000);
      expect(sent().map(({ destination }) => destination.address)).toEqual(['4915112345007']);
      await until(
        'the note that says so',
        async () => (await rt.entries(into)).some((one) => /alone[^]*\+4915112345008/.test(one.text)),
        60_000,
      );
    });

    it('hears an agent whom the ticket copies, and nobody who merely writes a mail into it', async () => {
      const customer = await enter();
      await customer.writes('who may answer me');
      const ticket = await ticketWith('who may answer me');
      const heads = ['From: Eve <eve@evil.test>', 'To: support@gw.test', `Subject: [gw.test #${ticket}] your order`];
      await rt.takeMail([...heads, 'Message-ID: <1@evil.test>', '', 'Please pay to account 666', ''].join('\n'));
      await until('the mail', async () => (await rt.entries(ticket)).some((one) => one.text.includes('account 666')));
      await rt.copyTo(ticket, 'agent');
      await rt.correspond(ticket, '<p>We never ask for that.</p>');
      await until(
        'the answer',
        () => customer.answers.some(({ text: said }) => said === 'We never ask for that.'),
        60_000,
      );
      expect(customer.answers).toHaveLength(1);
    });

    it('sends no mail to customers', async () => {
      expect(await rt.mails()).toBe('');
    });
  });
});
