import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { keyFile } from './key-file.js';
import { Unsealable, Vault, type SecretPlace } from './vault.js';

const bytes = randomBytes(32);
const vault = new Vault(bytes.toString('base64'));
const place: SecretPlace = { table: 'account', id: 'sms', field: 'config.authToken' };

describe('a sealed secret', () => {
  it.each(['s', 'ключ 钥匙 🔑', 'x'.repeat(10_000)])('opens where it was sealed (%#)', (secret) => {
    expect(vault.open(vault.seal(secret, place), place)).toBe(secret);
  });

  it('shows nothing of the secret, and never looks the same twice', () => {
    const [a, b] = [vault.seal('canary-secret', place), vault.seal('canary-secret', place)];
    expect(a).not.toBe(b);
    expect(a).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
    expect(Buffer.from(a.split('.')[3]!, 'base64url').includes('canary')).toBe(false);
  });

  it.each<[string, Partial<SecretPlace>]>([
    ['row', { id: 'sms2' }],
    ['field', { field: 'config.from' }],
    ['table', { table: 'destination' }],
  ])('does not open in another %s', (_what, other) => {
    expect(() => vault.open(vault.seal('secret', place), { ...place, ...other })).toThrow(Unsealable);
  });

  it('does not open with any of its bits changed', () => {
    const sealed = vault.seal('secret', place);
    const [version, id, nonce, data] = sealed.split('.') as [string, string, string, string];
    const variants = [nonce, data].flatMap((text, part) => {
      const raw = Buffer.from(text, 'base64url');
      return Array.from({ length: raw.length * 8 }, (_, bit) => {
        const changed = Buffer.from(raw);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const encoded = changed.toString('base64url');
        return part === 0 ? [version, id, encoded, data].join('.') : [version, id, nonce, encoded].join('.');
      });
    });
    expect(variants.length).toBeGreaterThan(200);
    for (const variant of variants) expect(() => vault.open(variant, place)).toThrow(Unsealable);
  });

  it.each(['', 'secret', 'v1.aa', 'v2.00000000.AAAA.AAAA', 'v1.00000000.AAAA.AAAA', 'v1..AAAA.AAAA'])(
    'is not %p',
    (text) => {
      expect(() => vault.open(text, place)).toThrow(Unsealable);
    },
  );

  it('does not open with a shortened tag', () => {
    const [version, id, nonce, data] = vault.seal('', place).split('.') as [string, string, string, string];
    const short = Buffer.from(data, 'base64url').subarray(0, 12).toString('base64url');
    expect(() => vault.open([version, id, nonce, short].join('.'), place)).toThrow(Unsealable);
  });
});

describe('the key', () => {
  it('is the same in hex, base64 and base64url', () => {
    for (const text of [bytes.toString('hex'), bytes.toString('base64url'), ` ${bytes.toString('base64')}\n`]) {
      expect(new Vault(text).open(vault.seal('secret', place), place)).toBe('secret');
    }
  });

  it('can be a passphrase, which gives the same key everywhere', () => {
    const sealed = new Vault('correct horse battery staple').seal('secret', place);
    expect(new Vault('correct horse battery staple').open(sealed, place)).toBe('secret');
    expect(() => new Vault('correct horse battery stapler').open(sealed, place)).toThrow(/another key/);
  });

  it('can be changed: the previous one opens, and what it sealed is known as stale', () => {
    const old = vault.seal('secret', place);
    const next = new Vault(randomBytes(32).toString('hex'), bytes.toString('hex'));
    expect(next.open(old, place)).toBe('secret');
    expect([next.isStale(old), next.isStale(next.seal('secret', place)), vault.isStale(old)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a key file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'key-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is made once, for its owner only, and read from then on', () => {
    const path = join(folder, 'deep', 'secret.key');
    const made = keyFile(path, () => 'first');
    expect([made, keyFile(path, () => 'second')]).toEqual(['first', 'first']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('first\n');
  });

  it('refuses to go on with an empty one, which would lose every secret', () => {
    const path = join(folder, 'empty.key');
    writeFileSync(path, '');
    expect(() => keyFile(path, () => 'new')).toThrow(/is empty/);
  });
});
