import { type OutboundUnit, ProviderFailure, z } from 'tributary/channel-kit';
import { failureOf } from './pigeon.failures.js';

const Answer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), id: z.string().min(1).max(100) }),
  z.object({ ok: z.literal(false), code: z.string(), wait: z.number().nonnegative().optional() }),
]);

/** A unit in Pigeon's words. `fileUrl`: where Pigeon can fetch a file of ours. */
export function bodyOf(unit: OutboundUnit, fileUrl: (fileId: string) => string): object {
  const { idempotencyKey: key, thread, text, replyTo } = unit;
  const [part] = unit.parts;
  const base = { key, to: thread.externalId, ...(replyTo !== undefined && { answers: replyTo }) };
  if (part?.type !== 'media') return { ...base, text };
  const url = part.fileId === undefined ? part.url : fileUrl(part.fileId);
  return { ...base, photo: { url, ...(part.caption !== undefined && { caption: part.caption }) } };
}

/** The id that Pigeon's answer gives. Throws the failure that the answer says: it comes with a 200. */
export function idIn(answer: unknown): string {
  const read = Answer.safeParse(answer);
  if (!read.success) throw new ProviderFailure('reply-unreadable', 'the answer is not of the documented form');
  if (read.data.ok) return read.data.id;
  const { code, providerCode, message } = failureOf(read.data.code);
  const { wait } = read.data;
  throw new ProviderFailure(code, message, {
    ...(providerCode !== undefined && { providerCode }),
    ...(wait !== undefined && { retryAfterMs: wait * 1_000 }),
  });
}
