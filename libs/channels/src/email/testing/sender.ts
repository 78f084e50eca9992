import { Readable } from 'node:stream';
import type { MediaPart, OutboundUnit, Part, ProviderFailure } from '#normalizer';
import { addressGuard, guardedDial } from '#transport';
import { selfSigned } from '#transport/testing';
import type { AdapterContext } from '../../core/adapter.js';
import { emailConfig, type EmailConfig } from '../email.config.js';
import { sendMail } from '../send/index.js';

/** Of all servers of the tests: its own authority. */
export const certificate = selfSigned('mail.fake.example');
export const now = Date.parse('2026-11-22T12:00:00Z');
/** A unit of 2026-11-22, 11:59:00. */
const UNIT = `unt_${Date.parse('2026-11-22T11:59:00Z').toString(16).padStart(12, '0')}70008000000000000001`;
export const CUSTOMER = 'anna@customer.example';

export type Files = Readonly<Record<string, Buffer>>;

export function settings(port: number, more: object = {}, smtp: object = {}): EmailConfig {
  return emailConfig.parse({
    ...{ address: 'support@shop.example', name: 'Example Support', password: 'a-secret-password' },
    imap: { host: '127.0.0.1', port: 1, timeoutMs: 1_000 },
    smtp: { host: '127.0.0.1', port, tls: { ca: certificate.cert }, timeoutMs: 2_000, ...smtp },
    ...more,
  });
}

export function contextOf(config: EmailConfig, files: Files = {}): AdapterContext<EmailConfig> {
  const shared = new Map<string, Promise<string>>();
  return {
    ...{ accountId: 'acc_mail', config, callbackUrl: '', session: undefined as never },
    http: undefined as never,
    dial: guardedDial(addressGuard(['127.0.0.1/32'])),
    once: (key: string, _ttlMs: number, make: () => Promise<string>) => {
      const value = shared.get(key) ?? make();
      shared.set(key, value);
      return value;
    },
    forget: async (key: string) => void shared.delete(key),
    remember: async () => undefined,
    recall: async () => null,
    openFile: async (id: string) => {
      const bytes = files[id];
      if (!bytes) throw new Error(`there is no file ${id}`);
      return { stream: Readable.from([bytes]), bytes: bytes.length };
    },
    fileUrl: (id: string, seconds?: number) => `https://files.example/${id}?for=${seconds}`,
    now: () => now,
    signal: new AbortController().signal,
  } as unknown as AdapterContext<EmailConfig>;
}

export function unitOf(parts: readonly Part[] | string, more: Partial<OutboundUnit> = {}): OutboundUnit {
  const given: readonly Part[] = typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts;
  const handles = [{ scheme: 'email', scope: '', value: CUSTOMER, proof: 'channel' as const }];
  return {
    ...{ id: UNIT, messageId: 'msg_1', index: 0, count: 1, idempotencyKey: UNIT },
    thread: { id: 'thr_1', externalId: 'abcdefghijklmnopqrst', handles },
    parts: given,
    text: given.map((part) => ('text' in part ? part.text : '')).join('\n'),
    ...more,
  };
}

export function media(fileId: string, more: Partial<MediaPart> = {}): MediaPart {
  return {
    type: 'media',
    kind: 'file',
    mimeType: 'application/octet-stream',
    bytes: 10,
    state: 'ready',
    fileId,
    ...more,
  };
}

/** Sends; resolves with the external ids, or with the failure. */
export function sending(
  unit: OutboundUnit,
  ctx: AdapterContext<EmailConfig>,
): Promise<readonly string[] | ProviderFailure> {
  return sendMail(unit, ctx).then(
    ({ externalIds }) => externalIds,
    (error: unknown) => error as ProviderFailure,
  );
}
