import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeFolder } from '../testing/fake-folder.js';
import { FakeImap } from '../testing/fake-imap.js';
import { FakeSmtp } from '../testing/fake-smtp.js';
import { certificate, contextOf, media, saying, sending, settings } from '../testing/outbox.js';

let imap: FakeImap;
let smtp: FakeSmtp;
let sent: FakeFolder;
let appended: string[];
beforeEach(async () => {
  imap = await FakeImap.listen({ tls: certificate, password: 'a-secret-password' });
  smtp = await FakeSmtp.start({ certificate });
  sent = new FakeFolder();
  imap.folders.set('Sent', sent);
  appended = [];
  imap.whim = (command, said) => {
    if (command !== 'APPEND') return undefined;
    appended.push(said);
    return 'TAG OK [APPENDUID 1 1] done\r\n';
  };
});
afterEach(() => Promise.all([imap.close(), smtp.close()]));

const context = (more: object = {}, files = {}) => {
  const reads = { host: '127.0.0.1', port: imap.port, tls: { ca: certificate.cert }, timeoutMs: 10_000 };
  return contextOf(settings(smtp.port, { imap: reads, ...more }, { timeoutMs: 300 }), files);
};
/** The server takes the mail, puts it where it is told to and never says so. */
const silent = (into?: FakeFolder, afterMs = 0) =>
  smtp.answer(({ path, body }) => {
    if (path !== '/mail') return {};
    setTimeout(() => into?.add(body, new Date()), afterMs);
    return 'hang';
  });

describe('a mail that was handed over and not confirmed', () => {
  it('is sent where the Sent folder has it, by its id', async () => {
    silent(sent);
    const ids = await sending(saying('hello'), context());
    expect(ids).toEqual([/Message-ID:\s+<(.+)>/.exec(smtp.mails[0]!.raw)?.[1]]);
  });

  it('is sent where the server puts it there a little later', async () => {
    silent(sent, 1_000);
    expect(await sending(saying('hello'), context())).toHaveLength(1);
  });

  it('is of unknown fate where the folder has others only', async () => {
    sent.add('Message-ID: <other@shop.example>\r\n\r\n', new Date());
    silent();
    expect(await sending(saying('hello'), context())).toMatchObject({ code: 'outcome-unknown' });
  }, 20_000);

  it.each<[string, () => void]>([
    ['there is no such folder', () => void imap.folders.delete('Sent')],
    ['the mailbox cannot be reached', () => void imap.close()],
    ['the login is refused', () => void (imap.takes = () => false)],
    ['the connection ends', () => void (imap.whim = (command) => (command === 'UID SEARCH' ? 'drop' : undefined))],
  ])('is of unknown fate where %s', async (_why, make) => {
    const ctx = context();
    make();
    silent();
    expect(await sending(saying('hello'), ctx)).toMatchObject({ code: 'outcome-unknown' });
  });

  it('is not looked for where the server keeps no copies, nor one that was refused', async () => {
    silent(sent);
    expect(await sending(saying('hello'), context({ saveSent: true }))).toMatchObject({ code: 'outcome-unknown' });
    smtp.answer(({ path }) => (path === '/mail' ? { status: 400 } : {}));
    expect(await sending(saying('hello'), context())).toMatchObject({ code: 'content-refused' });
    expect(imap.commands).toEqual([]);
  });
});

describe('a copy', () => {
  it('of what was sent is put into the Sent folder, read, where that is set', async () => {
    const parts = [{ type: 'text' as const, text: '您好' }, media('fil_1', { bytes: 10 })];
    const files = { fil_1: Buffer.from('0123456789') };
    expect(await sending(saying(parts), context({ saveSent: true }, files))).toHaveLength(1);
    expect(appended).toHaveLength(1);
    expect(appended[0]).toMatch(/^"?Sent"? \(\\Seen\)/);
    expect(appended[0]).toContain(smtp.mails[0]!.raw.trim());
  });

  it('is not where it is not', async () => {
    await sending(saying('hello'), context());
    expect(imap.commands).toEqual([]);
  });

  it('that cannot be put there does not make the mail unsent', async () => {
    imap.whim = (command) => (command === 'APPEND' ? 'TAG NO [OVERQUOTA] full\r\n' : undefined);
    expect(await sending(saying('hello'), context({ saveSent: true }))).toHaveLength(1);
    const ctx = context({ saveSent: true });
    await imap.close();
    expect(await sending(saying('hello'), ctx)).toHaveLength(1);
  });
});
