import { Readable } from 'node:stream';
import type { MediaPart, Part, ProviderFailure } from '#normalizer';
import { addressGuard, guardedDial } from '#transport';
import { selfSigned } from '#transport/testing';
import { z } from 'zod';
import type { MailContext } from '../context.js';
import { demandLogin, mailboxSettings, type Mailbox } from '../settings.js';
import type { FileSource } from '../smtp/carry.js';
import { contentOf } from '../smtp/content.js';
import { identify } from '../smtp/identity.js';
import { sendMail } from '../smtp/send.js';

/** Of all mail servers of the tests: its own authority. */
export const certificate = selfSigned('mail.fake.example');
export const now = Date.parse('2026-11-22T12:00:00Z');
export const CUSTOMER = 'anna@customer.example';

const schema = z.object(mailboxSettings).superRefine(demandLogin);
export const mailbox = (given: object): Mailbox => schema.parse(given);

/** A mailbox that sends through the fake server on `port`. */
export function settings(port: number, more: object = {}, smtp: object = {}): Mailbox {
  return mailbox({
    ...{ address: 'support@shop.example', name: 'Example Support', password: 'a-secret-password' },
    imap: { host: '127.0.0.1', port: 1, timeoutMs: 1_000 },
    smtp: { host: '127.0.0.1', port, tls: { ca: certificate.cert }, timeoutMs: 2_000, ...smtp },
    ...more,
  });
}

export type Files = Readonly<Record<string, Buffer>>;

/** Files by their ids, and their addresses. */
export function filesOf(files: Files = {}): FileSource {
  return {
    openFile: async (id) => {
      const bytes = files[id];
      if (!bytes) throw new Error(`there is no file ${id}`);
      return { stream: Readable.from([bytes]), mimeType: 'application/octet-stream', bytes: bytes.length };
    },
    fileUrl: (id, seconds) => `https://files.example/${id}?for=${seconds}`,
  };
}

export function contextOf<C extends Mailbox>(
  config: C,
  files: Files = {},
): MailContext & FileSource & { readonly config: C } {
  const shared = new Map<string, Promise<string>>();
  return {
    ...{ config, http: undefined as never, dial: guardedDial(addressGuard(['127.0.0.1/32'])) },
    once: (key, _ttlMs, make) => {
      const value = shared.get(key) ?? make();
      shared.set(key, value);
      return value;
    },
    forget: async (key) => void shared.delete(key),
    remember: async () => undefined,
    recall: async () => undefined,
    ...filesOf(files),
    now: () => now,
    signal: new AbortController().signal,
  };
}

export function media(fileId: string, more: Partial<MediaPart> = {}): MediaPart {
  return {
    ...{ type: 'media', kind: 'file', mimeType: 'application/octet-stream', bytes: 10, state: 'ready', fileId },
    ...more,
  };
}

/** What a mail to the customer says. */
export interface Saying {
  readonly parts: readonly Part[];
  readonly subject?: string;
  readonly answers?: string;
  readonly unique?: string;
}

export function saying(parts: readonly Part[] | string, more: Partial<Saying> = {}): Saying {
  return { parts: typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts, ...more };
}

/** Sends; resolves with the ids, or with the failure. */
export function sending(said: Saying, ctx: MailContext & FileSource): Promise<readonly string[] | ProviderFailure> {
  const { parts, subject = 'hello', answers, unique = 'one' } = said;
  const whose = { owner: 'acc_mail', to: CUSTOMER, threadKey: 'abcdefghijklmnopqrst' };
  const identity = identify({ ...whose, unique, madeAt: now - 60_000, answers }, ctx.config);
  return sendMail((most) => ({ identity, subject, content: contentOf(parts, ctx, most) }), ctx).catch(
    (error: unknown) => error as ProviderFailure,
  );
}
