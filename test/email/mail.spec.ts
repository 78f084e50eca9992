import { rm, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { stopEverything, until } from '../support/index.js';
import { mailServersMissing, PASSWORDS } from './mail-servers.js';
import { MailStage } from './mail-stage.js';

jest.setTimeout(240_000);

describeOnServer('a mailbox on a real server (Dovecot, Exim)', mailServersMissing(), (title) => {
  let all: MailStage;
  beforeAll(async () => void (all = await MailStage.set()));
  afterAll(async () => {
    await all?.close();
    await stopEverything();
  });

  const header = (raw: string, name: string) =>
    new RegExp(`^${name}:((?:.|\\r?\\n[ \\t])*)`, 'im').exec(raw)?.[1]?.replace(/\s+/g, ' ').trim();
  const annas = (subject: string) =>
    until(`"${subject}" in the mailbox of the customer`, async () =>
      (await all.servers.mails('anna')).find((raw) => header(raw, 'Subject') === subject),
    );

  it(`${title}: brings what a customer writes to the helpdesk, the answer back, and what they answer to that`, async () => {
    await all.write('Where is my parcel?', { body: 'Parcel 4711, 包裹到哪了？' });
    const { data } = await all.received('Where is my parcel?');
    expect(data).toMatchObject({
      account: { id: 'mail', channel: 'email' },
      message: { text: 'Parcel 4711, 包裹到哪了？' },
      contact: { handles: [{ scheme: 'email', value: 'anna@customer.test' }] },
    });
    const answer = await all.stage.reply(data!.conversation!.id, 'It is on its way.');
    await all.stage.settled(answer.id, 'sent');
    const raw = await annas('Re: Where is my parcel?');
    expect(raw).toContain('It is on its way.');
    expect(header(raw, 'Received')).toContain('mx.shop.test');
    const id = header(raw, 'Message-ID')!;
    await all.write('another subject', { headers: [`In-Reply-To: ${id}`, `References: ${header(raw, 'References')} ${id}`] });
    const reply = await all.received('another subject');
    expect(reply.data!.message!.threadId).toBe(data!.message!.threadId);
    expect(reply.data!.conversation!.id).toBe(data!.conversation!.id);
  });

  it(`${title}: knows an answer by any mail of theirs that it names, and leads nobody else there`, async () => {
    const line = (name: string, id: string) => `${name}: <${id}@customer.test>`;
    await all.write('the first one', { headers: [line('Message-ID', 'first')] });
    const first = await all.received('the first one');
    await all.write('the second one', { headers: [line('Message-ID', 'second'), line('References', 'first')] });
    await all.received('the second one');
    await all.write('the third one', { headers: [line('In-Reply-To', 'second')] });
    expect((await all.received('the third one')).data!.conversation!.id).toBe(first.data!.conversation!.id);
    await all.write('of another', { headers: [line('In-Reply-To', 'second')], from: 'eve@customer.test' });
    expect((await all.received('of another')).data!.conversation!.id).not.toBe(first.data!.conversation!.id);
  });

  it(`${title}: believes a report of the server that had the mail, and nobody who only has it`, async () => {
    await all.write('write to me', { from: 'nobody@customer.test' });
    const asked = await all.received('write to me');
    const refused = await all.stage.reply(asked.data!.conversation!.id, 'Who are you?');
    await all.stage.settled(refused.id, 'failed');
    expect((await all.stage.message(refused.id)).failure).toMatchObject({ code: 'recipient-gone', lasting: true, message: expect.stringContaining('came back') });
    const { body } = await all.stage.gateway.api.get<{ items: { canSend: boolean; code?: string }[] }>(`/v1/conversations/${asked.data!.conversation!.id}/sendability`);
    expect(JSON.stringify(body)).toContain('recipient-gone');

    await all.write('an honest question');
    const { data } = await all.received('an honest question');
    const answer = await all.stage.reply(data!.conversation!.id, 'An honest answer.');
    await all.stage.settled(answer.id, 'sent');
    const id = header(await annas('Re: an honest question'), 'Message-ID')!;
    const forged = [
      ...['', '--b', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.customer.test', ''],
      ...['Final-Recipient: rfc822; anna@customer.test', 'Action: failed', 'Status: 5.1.1', ''],
      ...['--b', 'Content-Type: text/rfc822-headers', '', 'To: anna@customer.test', `Message-ID: ${id}`, '', '--b--'],
    ].join('\r\n');
    await all.write('a forged report', { body: forged, from: 'mailer-daemon@customer.test', headers: ['MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status; boundary=b'] });
    expect((await all.received('a forged report')).data!.message).toMatchObject({ automated: true });
    expect((await all.stage.message(answer.id)).status).toBe('sent');
  });

  it(`${title}: stores its own mail that went round, as what no bot answers`, async () => {
    const own = await annas('Re: an honest question');
    await all.servers.deliver(own);
    const round = await all.received('Re: an honest question');
    expect(round.data).toMatchObject({ message: { automated: true }, contact: { handles: [{ value: 'support@shop.test' }] } });
    const by = { text: 'Thank you for your mail.', author: { kind: 'bot', name: 'Bot' } };
    const bot = await all.stage.gateway.api.post<{ code: string }>(`/v1/conversations/${round.data!.conversation!.id}/messages`, by);
    expect([bot.status, bot.body.code]).toEqual([422, 'content-refused']);
    await all.write('hello, bot');
    const { data } = await all.received('hello, bot');
    const answer = () => all.stage.gateway.api.post<{ id: string; code: string }>(`/v1/conversations/${data!.conversation!.id}/messages`, by);
    const [first, second] = [await answer(), await answer()];
    await all.stage.settled(first.body.id, 'sent');
    expect([second.status, second.body.code]).toEqual([409, 'throttled']);
    expect(header(await annas('Re: hello, bot'), 'Auto-Submitted')).toBe('auto-replied');
  });

  it(`${title}: hands out files of mail`, async () => {
    const octets = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 31) % 251));
    const body = [
      ...['--b', 'Content-Type: text/plain', '', 'See the file.', '--b'],
      ...['Content-Type: application/octet-stream', 'Content-Disposition: attachment; filename=a.bin'],
      ...['Content-Transfer-Encoding: base64', '', octets.toString('base64').replace(/(.{76})/g, '$1\r\n'), '--b--'],
    ].join('\r\n');
    await all.write('with a file', { body, headers: ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b'] });
    const { data } = await all.received('with a file');
    const url = await until('the file', async () => {
      const { body: message } = await all.stage.gateway.api.get<{ parts: { type: string; url?: string; state?: string }[] }>(
        `/v1/messages/${data!.message!.id}`,
      );
      return message.parts.find(({ type, state }) => type === 'media' && state === 'ready')?.url;
    });
    expect(Buffer.from(await (await fetch(new URL(new URL(url).pathname + new URL(url).search, all.stage.gateway.url))).arrayBuffer())).toEqual(octets);
  });

  it(`${title}: fails where the server knows no such recipient`, async () => {
    const raw = 'From: gone@customer.test\r\nTo: support@shop.test\r\nSubject: I am gone\r\nMessage-ID: <gone@customer.test>\r\n\r\nBye.\r\n';
    await all.servers.deliver(raw);
    const gone = await all.received('I am gone');
    const answer = await all.stage.reply(gone.data!.conversation!.id, 'Are you there?');
    await all.stage.settled(answer.id, 'failed');
    expect((await all.stage.message(answer.id)).failure).toMatchObject({ code: 'recipient-gone' });
  });

  it(`${title}: loses and doubles nothing when the gateway is killed between fetching and storing`, async () => {
    const wanted: string[] = [];
    for (const afterMs of [0, 20, 150]) {
      const subject = `killed after ${afterMs} ms`;
      wanted.push(subject);
      const fetched = new Promise<void>((done) => all.line.after(60_000, done));
      await all.write(subject, { body: 'words of the mail\r\n'.repeat(3_500) });
      await fetched;
      await delay(afterMs);
      await all.stage.gateway.kill9();
      await all.stage.gateway.start();
      await all.received(subject);
    }
    const stored = await all.stored();
    for (const subject of wanted) expect(stored.filter((one) => one === subject)).toHaveLength(1);
  });

  it(`${title}: finds out that its connection died while it waited`, async () => {
    await until('the connection', () => all.line.connections > 0 || undefined);
    all.line.swallow();
    await all.write('behind a dead connection');
    await all.received('behind a dead connection');
  });

  it(`${title}: fetches a mail again that was cut in its middle`, async () => {
    all.line.after(400_000, () => all.line.cut());
    await all.write('cut in its middle', { body: 'a long line of a long mail\r\n'.repeat(40_000) });
    await all.received('cut in its middle');
    expect((await all.stored()).filter((one) => one === 'cut in its middle')).toHaveLength(1);
  });

  it(`${title}: outlives a restart of the server, which numbers all mail anew besides`, async () => {
    await all.servers.stop('dovecot');
    all.line.cut();
    await delay(1_500);
    await all.servers.dovecot();
    await all.write('after the restart');
    await all.received('after the restart');
    const before = (await all.stored()).length;
    await all.stage.gateway.kill9();
    await all.write('while nobody looked');
    await all.servers.stop('dovecot');
    const folder = all.servers.maildir('support');
    for (const name of await readdir(folder)) if (name.startsWith('dovecot')) await rm(join(folder, name));
    await all.servers.dovecot();
    await all.stage.gateway.start();
    await all.received('while nobody looked');
    await all.write('under new numbers');
    await all.received('under new numbers');
    const stored = await all.stored();
    expect(stored).toHaveLength(before + 2);
    expect(new Set(stored).size).toBe(stored.length);
  });

  it(`${title}: says that its password is refused, and goes on once it is not`, async () => {
    await all.servers.passwords({ ...PASSWORDS, support: 'another password' });
    await all.servers.stop('dovecot');
    await all.servers.dovecot();
    // Dovecot lets sessions that stand go on for a while.
    all.line.cut();
    const account = await until('the state', async () => {
      const now = await all.account();
      if (now.state !== 'disconnected' || !now.stateDetail?.includes('refuses the login')) throw new Error(JSON.stringify(now));
      return now;
    });
    expect(account.stateDetail).not.toContain(PASSWORDS.support);
    const { body } = await all.stage.gateway.api.post<{ ok: boolean; detail: string }>('/v1/accounts/mail/check', {});
    expect(body).toMatchObject({ ok: false, detail: expect.stringMatching(/^Reading \(IMAP\) fails.*Sending \(SMTP\) works\.$/) });
    await all.servers.passwords(PASSWORDS);
    await all.connected();
    await all.write('with the password');
    await all.received('with the password');
    expect(all.stage.gateway.logs).not.toContain(PASSWORDS.support);
  });
}); // prettier-ignore
