import { describe, expect, it } from '@jest/globals';
import { FileUrls } from './file-urls.js';

const ID = `fil_${'0a'.repeat(16)}`;
const at = (now: number) => new FileUrls('secret', 'https://chat.example/', () => now);

function parts(url: string) {
  const { pathname, searchParams } = new URL(url);
  return { id: pathname.split('/').at(-1)!, exp: searchParams.get('exp')!, sig: searchParams.get('sig')! };
}

describe('FileUrls', () => {
  const now = Date.UTC(2026, 10, 21, 9, 30);
  const url = at(now).sign(ID, 60);
  const { exp, sig } = parts(url);

  it('signs an address under the public URL, the same one for a while', () => {
    expect(url).toMatch(/^https:\/\/chat\.example\/files\/fil_[0-9a-f]{32}\?exp=\d+&sig=[\w-]{43}$/);
    expect(at(now + 60_000).sign(ID, 60)).toBe(url);
    expect(at(now).verify(ID, exp, sig)).toBe('good');
  });

  it('expires, no sooner than asked', () => {
    expect(at(now + 60_000).verify(ID, exp, sig)).toBe('good');
    expect(at(Number(exp) * 1_000).verify(ID, exp, sig)).toBe('expired');
  });

  it('refuses every change', () => {
    const other = ID.replace('0a', '0b');
    const flipped = (sig[0] === 'A' ? 'B' : 'A') + sig.slice(1);
    for (const [id, e, s] of [
      [other, exp, sig],
      [ID, String(Number(exp) + 3_600), sig],
      [ID, `0${exp}`, sig],
      [ID, exp, flipped],
      [ID, exp, sig.slice(1)],
      [ID, exp, ''],
      [ID, exp, undefined],
      [ID, [exp, exp], sig],
      [ID, exp, [sig, sig]],
      [ID, '9e99', sig],
      [ID, '-1', sig],
    ] as const) {
      expect(at(now).verify(id, e, s)).toBe('forged');
    }
    expect(new FileUrls('another secret', 'https://chat.example', () => now).verify(ID, exp, sig)).toBe('forged');
  });

  it('go on working while the secret is being changed, and end with the old one', () => {
    const urls = (...secrets: string[]) => new FileUrls(secrets, 'https://chat.example', () => now);
    const verified = (by: FileUrls, address: string) => {
      const { searchParams } = new URL(address);
      return by.verify(ID, searchParams.get('exp'), searchParams.get('sig'));
    };
    const [before, after] = [urls('old').sign(ID), urls('new', 'old').sign(ID)];
    for (const address of [before, after]) expect(verified(urls('new', 'old'), address)).toBe('good');
    expect([verified(urls('new'), before), verified(urls('new'), after)]).toEqual(['forged', 'good']);
  });
});
