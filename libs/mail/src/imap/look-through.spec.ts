import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeImap } from '../testing/fake-imap.js';
import { certificate, contextOf, settings } from '../testing/outbox.js';
import { lookThrough } from './look-through.js';
import type { Position } from './place.js';
import type { MailReader } from './read-on.js';

let imap: FakeImap;
beforeEach(async () => void (imap = await FakeImap.listen({ tls: certificate, password: 'a-secret-password' })));
afterEach(() => imap.close());

const subjects: MailReader<string> = {
  read: async ({ octets }) => [/^Subject: (.*)\r$/m.exec(octets.toString())?.[1] ?? ''],
  unread: ({ uid }) => [`unread ${uid}`],
};
const context = (more: object = {}) =>
  contextOf(
    settings(1, {
      imap: { host: '127.0.0.1', port: imap.port, tls: { ca: certificate.cert }, timeoutMs: 2_000, ...more },
    }),
  );
const mail = (subject: string) => `Subject: ${subject}\r\nMessage-ID: <${subject}@x.example>\r\n\r\nHello.\r\n`;

async function all(from: Position, ctx = context()): Promise<{ found: string[]; position: Position }> {
  const found: string[] = [];
  for (let position = from; ;) {
    const round = await lookThrough(position, ctx, subjects);
    found.push(...round.found);
    ({ position } = round);
    if (!round.more) return { found, position };
  }
}

describe('a mailbox that is looked through', () => {
  it('tells what came since, once, of every folder', async () => {
    imap.deliver(mail('old'));
    const ctx = context({ folders: ['INBOX', 'Shop'] });
    const { found, position } = await all({}, ctx);
    expect(found).toEqual([]);
    imap.deliver(mail('one'));
    imap.deliver(mail('two'), { folder: 'Shop' });
    const next = await all(position, ctx);
    expect(next.found).toEqual(['one', 'two']);
    expect((await all(next.position, ctx)).found).toEqual([]);
  });

  it('goes on through more than a page', async () => {
    const { position } = await all({});
    for (let i = 0; i < 120; i += 1) imap.deliver(mail(`mail ${i}`));
    expect((await all(position)).found).toHaveLength(120);
  });

  it('finds what came after the server numbered anew, and moves what is stored by then', async () => {
    const ctx = context({ moveTo: 'Done' });
    const { position } = await all({}, ctx);
    imap.deliver(mail('one'));
    const first = await lookThrough(position, ctx, subjects);
    expect(first.found).toEqual(['one']);
    expect(imap.inbox.letters).toHaveLength(1);
    imap.deliver(mail('two'));
    const second = await all(first.position, ctx);
    expect(second.found).toEqual(['two']);
    expect(imap.folders.get('Done')!.letters).toHaveLength(2);
    imap.inbox.validity += 1;
    imap.deliver(mail('three'));
    expect((await all(second.position, ctx)).found).toEqual(['three']);
  });

  it('is held up by no mail that the server does not hand out', async () => {
    const { position } = await all({});
    imap.deliver(mail('torn')).torn = 99;
    imap.deliver(mail('next'));
    let at = position;
    const found: string[] = [];
    for (let round = 0; round < 8 && found.length < 2; round += 1) {
      const seen = await lookThrough(at, context(), subjects);
      found.push(...seen.found);
      at = seen.position;
    }
    expect(found).toEqual([expect.stringMatching(/torn|unread/), 'next']);
  });

  it('says which folders there are not, where there are none of them', async () => {
    await expect(lookThrough({}, context({ folders: ['Nowhere'] }), subjects)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('"Nowhere"'),
    });
  });
});
