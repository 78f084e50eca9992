import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { UDHI } from './segments.js';
import { Tlv } from './message.js';
import { Account, until } from './testing/account.js';
import { deliver, FakeSmsc } from './testing/fake-smsc.js';

let smsc: FakeSmsc;
const accounts: Account[] = [];
beforeEach(async () => void (smsc = await FakeSmsc.start()));
afterEach(async () => {
  for (const account of accounts.splice(0)) await account.close();
  await smsc.close();
});

async function opened(shared?: Map<string, Promise<string>>): Promise<Account> {
  const account = await new Account(smsc.port, {}, shared).open();
  accounts.push(account);
  return account;
}

const text = (words: string) => deliver({ octets: Buffer.from(words) });
const part = (words: string, number: number, { total = 2, reference = 7 } = {}) =>
  deliver({
    esmClass: UDHI,
    octets: Buffer.concat([Buffer.from([5, 0, 3, reference, total, number]), Buffer.from(words)]),
  });
const keys = ({ events }: Account) => events.map((event) => ('dedupeKey' in event ? event.dedupeKey : ''));

describe('messages that come in', () => {
  it('are stored in the order in which they came, many at once', async () => {
    const account = await opened();
    const words = Array.from({ length: 120 }, (_, i) => `message ${i}`);
    expect(await Promise.all(words.map((one) => smsc.say(text(one))))).not.toContain(false);
    expect(account.texts).toEqual(words);
  });

  it('are two when somebody writes the same twice, one after the other or at once', async () => {
    const account = await opened();
    await smsc.say(text('ok'));
    await smsc.say(text('ok'));
    await Promise.all([smsc.say(text('ok')), smsc.say(text('ok'))]);
    expect(new Set(keys(account)).size).toBe(4);
    expect(account.shared.size).toBe(0);
  });

  it('are one when the process died before it could acknowledge', async () => {
    const shared = new Map<string, Promise<string>>();
    const dying = await opened(shared);
    dying.store = () => new Promise(() => undefined);
    void smsc.say(text('once'));
    await until(() => shared.size > 0);
    const name = [...shared.keys()];
    smsc.cut();
    await until(() => smsc.connections === 0);
    const next = await opened(new Map(shared));
    expect(await smsc.say(text('once'))).toBe(true);
    expect(keys(next)).toEqual([`message:${await shared.get(name[0]!)}`]);
  });

  it('are to come again while they cannot be stored, without loss', async () => {
    const account = await opened();
    account.store = () => Promise.reject(new Error('the database is away'));
    expect(await smsc.ask(text('hello'))).toMatchObject({ status: 0x64 });
    account.store = () => Promise.resolve();
    expect(await smsc.ask(text('hello'))).toMatchObject({ status: 0 });
    expect(account.texts).toEqual(['hello']);
  });

  it('are refused for good where nobody can read them, and the connection stays', async () => {
    const account = await opened();
    const cut = text('hello').subarray(0, 30);
    cut.writeUInt32BE(30, 0);
    expect(await smsc.ask(cut)).toMatchObject({ status: 0x65 });
    expect(await smsc.say(text('still here'))).toBe(true);
    expect([account.texts, account.lost]).toEqual([['still here'], []]);
  });
});

describe('long messages that come in', () => {
  it('are joined, whichever way their parts name each other', async () => {
    const account = await opened();
    const long = (octets: number[], words: string) =>
      deliver({ esmClass: UDHI, octets: Buffer.concat([Buffer.from(octets), Buffer.from(words)]) });
    const sar = (number: number, words: string) =>
      deliver({
        octets: Buffer.from(words),
        tlvs: new Map([
          [Tlv.sarReference, Buffer.from([1, 2])],
          [Tlv.sarTotal, Buffer.from([2])],
          [Tlv.sarNumber, Buffer.from([number])],
        ]),
      });
    const said = [
      long([6, 8, 4, 1, 2, 2, 2], 'world'),
      long([6, 8, 4, 1, 2, 2, 1], 'Hello '),
      sar(1, 'SAR '),
      sar(2, 'too'),
    ];
    for (const octets of said) expect(await smsc.say(octets)).toBe(true);
    expect(account.texts).toEqual(['Hello world', 'SAR too']);
    expect([...account.shared.keys()]).toEqual(['smpp:waiting']);
    expect(await account.shared.get('smpp:waiting')).toBe('[]');
  });

  it('join though the connection was lost in between, and parts come again', async () => {
    const first = await opened();
    await smsc.say(part('Hello ', 1));
    expect(first.texts).toEqual([]);
    smsc.cut();
    await until(() => first.lost.length > 0);
    const second = await opened(first.shared);
    await smsc.say(part('world', 2));
    expect(second.texts).toEqual(['Hello world']);
  });

  it('join though storing failed when they were whole', async () => {
    const account = await opened();
    await smsc.say(part('Hello ', 1));
    account.store = () => Promise.reject(new Error('the database is away'));
    expect(await smsc.say(part('world', 2))).toBe(false);
    account.store = () => Promise.resolve();
    expect(await smsc.say(part('world', 2))).toBe(true);
    expect(account.texts).toEqual(['Hello world']);
  });

  it('are given out with their gaps after a minute, and a reference is used again', async () => {
    const account = await opened();
    await smsc.say(part('lonely', 2));
    account.now += 61_000;
    await smsc.say(part('new ', 1));
    await until(() => account.texts.length > 0);
    await smsc.say(part('one', 2));
    expect(account.texts).toEqual(['[…]lonely', 'new one']);
    await until(() => account.shared.size === 1);
    expect(await account.shared.get('smpp:waiting')).toBe('[]');
  });

  it('are given out with their gaps by whoever connects next, once, when the process died that had acknowledged a part', async () => {
    const first = await opened();
    expect(await smsc.say(part('lonely', 2))).toBe(true);
    smsc.cut();
    await until(() => first.lost.length > 0);
    // Long after shared values of parts have run out.
    for (const name of [...first.shared.keys()]) if (name !== 'smpp:waiting') first.shared.delete(name);
    const second = await opened(first.shared);
    second.now += 61_000;
    await smsc.say(text('short'));
    await smsc.say(part('another', 1, { reference: 8 }));
    await until(() => second.texts.length === 2);
    expect(second.texts).toEqual(['short', '[…]lonely']);
    const third = await opened(second.shared);
    third.now += 122_000;
    await smsc.say(part('yet another', 1, { reference: 9 }));
    await until(() => third.texts.length > 0);
    expect(third.texts).toEqual(['another[…]']);
  });

  it('are not acknowledged where they cannot be kept', async () => {
    const account = await opened();
    account.keeps = false;
    expect(await smsc.ask(part('Hello ', 1))).toMatchObject({ status: 0x64 });
    account.keeps = true;
    expect(await smsc.say(part('Hello ', 1))).toBe(true);
    expect(await smsc.say(part('world', 2))).toBe(true);
    expect(account.texts).toEqual(['Hello world']);
  });

  it('cannot make the gateway look for hundreds of parts', async () => {
    const account = await opened();
    let asked = 0;
    const { shared } = account;
    const get = shared.get.bind(shared);
    shared.get = (key) => ((asked += 1), get(key));
    await smsc.say(part('x', 1, { total: 255 }));
    expect(asked).toBeLessThan(10);
  });
});
