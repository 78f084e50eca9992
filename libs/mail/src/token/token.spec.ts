import { describe, expect, it } from '@jest/globals';
import { mailbox } from '../testing/outbox.js';
import { bareId, dayOf, loopMark, makeToken, readToken, replySecretOf, threadKey } from './index.js';

const now = Date.parse('2026-11-22T12:00:00Z');
const root = 'CAF+1@mail.example';
const address = 'anna@shop.example';
const key = threadKey({ root, address, claimed: false });
const account = { secret: 'key of the account', accountId: 'acc_mail' };
const token = makeToken({ ...account, threadKey: key, address, day: dayOf(now) });
const reader = { ...account, address, now, maxAgeDays: 180 };
const read = (text: string | string[], more: Partial<typeof reader> = {}) =>
  readToken([text].flat(), { ...reader, ...more });

describe('the key of a thread', () => {
  it('is 20 characters of base32, in which no case can be lost', () => {
    expect(key).toMatch(/^[a-z2-7]{20}$/);
  });

  it('is the same for the same root and person, however they are written', () => {
    expect(threadKey({ root: ` <${root}>\r\n`, address: ' Anna@Shop.Example ', claimed: false })).toBe(key);
  });

  it('is another one for another root, another person, and without proof', () => {
    const others = [
      { root: root.toLowerCase(), address, claimed: false },
      { root, address: 'eve@shop.example', claimed: false },
      { root, address, claimed: true },
      { root: `${root}","${address}`, address: '', claimed: false },
    ].map(threadKey);
    expect(new Set([key, ...others]).size).toBe(5);
  });

  it('is the same for somebody else who answers our mails of several days', () => {
    const eve = (id: string) => threadKey({ root: id, address: 'eve@shop.example', claimed: false });
    const tomorrow = makeToken({ ...account, threadKey: key, address, day: dayOf(now) + 1 });
    const other = makeToken({ ...account, threadKey: eve('x@y'), address, day: dayOf(now) });
    expect(eve(`<r.${tomorrow}@shop.example>`)).toBe(eve(`<r.${token}@shop.example>`));
    expect(eve(`<r.${other}@shop.example>`)).not.toBe(eve(`<r.${token}@shop.example>`));
  });

  it('compares ids without brackets and what folding put into them', () => {
    expect(bareId('<a.b\r\n @c>')).toBe('a.b@c');
  });
});

describe('a reply token', () => {
  it('fits into an id and into the local part of an address', () => {
    expect(token).toMatch(/^[a-z2-7]{20}\.[a-z2-7]{4}\.[a-z2-7]{16}$/);
    expect(`support+${token}`.length).toBeLessThanOrEqual(64);
  });

  it.each([
    ['in our Message-ID', `<t.${token}.k7aq3mz5@shop.example>`],
    ['in the synthetic root', `<r.${token}@shop.example>`],
    ['in a reply address', `support+${token}@shop.example`],
    ['in an address with a name', `"Shop" <support+${token}@shop.example>`],
    ['in a bounce address', `bounce+${token}=anna=shop.example@shop.example`],
    ['with its case changed', `<T.${token.toUpperCase()}.K7AQ3MZ5@SHOP.EXAMPLE>`],
    ['among other ids, folded', `<x@y>\r\n\t<r.${token}@shop.example>\r\n <z@y>`],
    ['folded within', `<t.${token.slice(0, 9)}\r\n ${token.slice(9)}.k7aq3mz5@shop.example>`],
  ])('is found %s', (_where, text) => {
    expect(read(text)).toBe(key);
  });

  it('is taken only as it was made', () => {
    const fakes = [...token].map((character, i) => {
      const other = character === '.' ? 'a' : character === 'a' ? 'b' : 'a';
      return `<r.${token.slice(0, i)}${other}${token.slice(i + 1)}@shop.example>`;
    });
    expect(fakes.filter((fake) => read(fake) !== null)).toEqual([]);
    expect(read(fakes)).toBeNull();
    expect(read([...fakes, `<r.${token}@shop.example>`])).toBe(key);
  });

  it('is no part of something longer', () => {
    expect(read(`<r.a${token}@shop.example>`)).toBeNull();
    expect(read(`<r.${token}a@shop.example>`)).toBeNull();
  });

  it('is nobody else’s, of no other account, under no other key', () => {
    expect(read(token, { address: 'eve@shop.example' })).toBeNull();
    expect(read(token, { accountId: 'acc_other' })).toBeNull();
    expect(read(token, { secret: 'another key' })).toBeNull();
    expect(read(token, { address: 'ANNA@shop.example' })).toBe(key);
  });

  it('ages', () => {
    const days = (count: number) => now + count * 86_400_000;
    expect(read(token, { now: days(180) })).toBe(key);
    expect(read(token, { now: days(181) })).toBeNull();
  });

  it('names a thread that we began by the address, and stays bound to it', () => {
    const first = makeToken({ ...account, threadKey: address, address, day: dayOf(now) });
    expect(first).toMatch(/^-\./);
    expect(read(`<t.${first}.k7aq3mz5@shop.example>`)).toBe(address);
    expect(read(`support+${first}@shop.example`)).toBe(address);
    expect(read(first, { address: 'eve@shop.example' })).toBeNull();
  });

  it('of one day is not that of another', () => {
    const tomorrow = makeToken({ ...account, threadKey: key, address, day: dayOf(now) + 1 });
    expect(tomorrow.slice(-16)).not.toBe(token.slice(-16));
    const moved = `${token.slice(0, 20)}${tomorrow.slice(20, 26)}${token.slice(-16)}`;
    expect(read(moved)).toBeNull();
  });

  it('is looked for in a bounded part of a hostile mail', () => {
    const letters = 'abcdefghijklmnop';
    const fakes = Array.from(
      { length: 600 },
      (_, i) =>
        `<r.${token.slice(0, 26)}${[i >> 8, (i >> 4) & 15, i & 15].map((n) => letters[n]).join('')}${token.slice(-13)}@x>`,
    );
    expect(read([`<r.${token}@x>`, ...fakes])).toBe(key);
    expect(read([...fakes, `<r.${token}@x>`])).toBeNull();
  });
});

describe('the key of the tokens', () => {
  const settings = (more: object) =>
    mailbox({
      ...{ address: 'support@shop.example', imap: { host: 'imap.shop.example' }, smtp: { host: 'smtp.shop.example' } },
      ...more,
    });

  it('is the setting, else made of a credential', () => {
    const replySecret = 'sixteen characters';
    expect(replySecretOf(settings({ replySecret, password: 'p' }))).toBe(replySecret);
    const oauth = { provider: 'google', clientId: 'c', refreshToken: 'r' };
    const both = { imap: { host: 'i.example', password: 'r2' }, smtp: { host: 's.example', password: 's' } };
    const derived = [{ password: 'p' }, { password: 'q' }, { oauth }, both].map((more) =>
      replySecretOf(settings(more)),
    );
    expect(new Set(derived).size).toBe(4);
    for (const secret of derived) expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(replySecretOf(settings({ password: 'p' }))).toBe(derived[0]);
  });
});

describe('the mark of our own mail', () => {
  it('is the mailbox’s own', () => {
    const base = { imap: { host: 'i.example' }, smtp: { host: 's.example' }, password: 'p' };
    const marks = [{}, {}, { password: 'q' }, { address: 'sales@shop.example' }].map((more) =>
      loopMark(mailbox({ address: 'support@shop.example', ...base, ...more })),
    );
    expect(marks[0]).toMatch(/^[a-z2-7]{16}$/);
    expect(new Set(marks).size).toBe(3);
    expect(marks[1]).toBe(marks[0]);
  });
});
