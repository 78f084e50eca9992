import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import type { Sql } from '#database';

/** Where a secret stands. It is bound to this place: moved to another row or field, it cannot be read. */
export interface SecretPlace {
  readonly table: string;
  readonly id: string;
  readonly field: string;
}

/** What the key given does not fit to what is stored. The message says what to do. */
export class WrongSecretKey extends Error {
  override readonly name = 'WrongSecretKey';
}

/** A stored secret cannot be read: it was changed, stands in another place than it was made for, or its key is not at hand. */
export class Unsealable extends Error {
  override readonly name = 'Unsealable';
}

const VERSION = 'v1';
const CHECK: SecretPlace = { table: 'shared_value', id: 'vault:check', field: 'value' };
const CHECK_TEXT = 'tributary';

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Keeps secrets: AES-256-GCM with a fresh 96-bit nonce for each, bound to its place as additional data. Sealed form: `v1.<key id>.<nonce>.<ciphertext and tag>`,
 * base64url. The key id is the beginning of a hash of the key and tells which key to open it with, while the key is being changed.
 */
export class Vault {
  private readonly key: Key;
  private readonly keys: ReadonlyMap<string, Key>;

  /** `secretKey`: 32 bytes as base64 or hex, else a passphrase. `previous` only opens. */
  constructor(secretKey: string, previous?: string) {
    this.key = keyOf(secretKey);
    this.keys = new Map([...(previous ? [keyOf(previous)] : []), this.key].map((key) => [key.id, key]));
  }

  seal(secret: string, place: SecretPlace): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key.bytes, nonce).setAAD(bound(place));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return [VERSION, this.key.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
  }

  /** Throws `Unsealable`, whose message names the place and never the value. */
  open(sealed: string, place: SecretPlace): string {
    const [version, id, nonce, data, ...rest] = sealed.split('.');
    const where = `${place.table} ${place.id}, ${place.field}`;
    if (version !== VERSION || !id || !nonce || !data || rest.length > 0)
      throw new Unsealable(`${where}: this is no sealed secret`);
    const key = this.keys.get(id);
    if (!key) throw new Unsealable(`${where}: it was sealed with another key`);
    try {
      const bytes = Buffer.from(data, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(nonce, 'base64url'), {
        authTagLength: 16,
      })
        .setAAD(bound(place))
        .setAuthTag(bytes.subarray(-16));
      return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new Unsealable(`${where}: the secret was changed, or belongs to another place`);
    }
  }

  /** Was this sealed with a key that is being replaced? */
  isStale(sealed: string): boolean {
    return sealed.split('.')[1] !== this.key.id;
  }

  /** Compares the key with what is stored, on first use stores a value to compare with. Throws `WrongSecretKey`. */
  async check(sql: Sql): Promise<void> {
    const rows = await sql.query<{ value: string }>(
      `insert into shared_value (name, value, expires_at) values ($1, $2, 'infinity')
       on conflict (name) do update set value = shared_value.value returning value`,
      [CHECK.id, this.seal(CHECK_TEXT, CHECK)],
    );
    const stored = rows[0]?.value ?? '';
    if (this.readable(stored)) {
      if (this.isStale(stored)) {
        await sql.query('update shared_value set value = $2 where name = $1', [CHECK.id, this.seal(CHECK_TEXT, CHECK)]);
      }
      return;
    }
    throw new WrongSecretKey(
      'the stored credentials were encrypted with another key: give TRIBUTARY_SECRET_KEY (or the file secret.key in DATA_DIR) of the process that ' +
        'made this database; to change the key, give the old one in TRIBUTARY_SECRET_KEY_PREVIOUS',
    );
  }

  private readable(stored: string): boolean {
    try {
      return timingSafeEqual(Buffer.from(this.open(stored, CHECK)), Buffer.from(CHECK_TEXT));
    } catch {
      return false;
    }
  }
}

function bound({ table, id, field }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([VERSION, table, id, field]));
}

/**
 * 64 hex digits or the base64 of 32 bytes are the key itself. Anything else is a passphrase, stretched with scrypt (N = 2^15, r = 8, p = 1) over a fixed
 * salt, so that every process makes the same key of it.
 */
function keyOf(text: string): Key {
  const bytes =
    literal(text.trim()) ??
    scryptSync(text, 'tributary/secret-key/v1', 32, { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 });
  const id = createHash('sha256').update('tributary key id').update(bytes).digest('hex').slice(0, 8);
  return { id, bytes };
}

function literal(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  return bytes.length === 32 ? bytes : undefined;
}
