import {
  choiceKey,
  type InboundEvent,
  type InboundMessage,
  type LanguageOf,
  type MediaPart,
  newId,
  type Part,
  primaryLanguage,
  renderText,
} from '#normalizer';
import { createHash } from 'node:crypto';
import { safeFileName } from '../media/file-name.js';
import type { ArrivingEvent } from '../ports.js';

/** One inbound event in the form that the SQL function `intake` takes. */
export type IntakeItem = { kind: 'cursor'; name: string; value: string } | EventItem;

export interface EventItem extends Record<string, unknown> {
  kind: Exclude<InboundEvent['kind'], 'typing'>;
  id: string;
  accountId: string;
  /** `storedKey` of the provider's. */
  dedupeKey: string;
  /** Only messages have these: `arrange` sets them. */
  place?: number;
  first?: true;
  plain?: boolean;
}

/**
 * What the store keeps of the name of a provider's event: a hash, of 128 bits. It knows a repeat by it after the person was erased, and tells nobody who that was,
 * though a name may hold their address.
 */
export function storedKey(dedupeKey: string): string {
  return createHash('sha256').update(dedupeKey).digest('base64url').slice(0, 22);
}

interface PendingFile {
  id: string;
  mimeType: string;
  bytes: number | null;
  name?: string | undefined;
  ref: string;
}

/**
 * Prepares an event for the store; `typing` is live only and makes no item. `languageOf` is given where routing rules ask for the language that a conversation
 * begins in.
 */
export function toItem(accountId: string, event: ArrivingEvent, languageOf?: LanguageOf): IntakeItem[] {
  switch (event.kind) {
    case 'typing':
      return [];
    case 'message': {
      const { parts, files } = takeOver(event.parts);
      const text = renderText(parts);
      // One by one: a spread that is added to costs twenty times as much, for every message.
      return [
        {
          kind: event.kind,
          id: newId('msg'),
          eventId: newId('evt'),
          accountId,
          dedupeKey: storedKey(event.dedupeKey),
          thread: event.thread,
          from: event.from,
          handles: event.sender.handles,
          name: event.sender.name,
          group: event.sender.group,
          member: event.sender.member,
          parts,
          files,
          text,
          choiceKey: choiceKey(parts),
          subject: event.subject,
          quoted: event.quoted,
          externalIds: event.externalIds,
          replyTo: event.replyTo,
          occurredAt: event.occurredAt,
          automated: event.automated,
          crm: event.crm,
          language:
            languageOf && event.from === 'contact'
              ? (primaryLanguage(languageOf(text)) ?? primaryLanguage(event.language))
              : undefined,
          metadata: event.metadata,
          window: event.window,
        } satisfies EventItem & { [Field in Exclude<keyof InboundMessage, 'sender'>]: unknown },
      ];
    }
    case 'receipt':
      return [
        {
          ...{ ...event, failure: undefined, ...(event.failure && { failure: event.failure }) },
          ...{ id: newId('evt'), accountId, dedupeKey: storedKey(event.dedupeKey) },
        },
      ];
    default: {
      const { sender, ...rest } = event;
      const parts = 'parts' in rest && rest.parts ? { parts: rest.parts, text: renderText(rest.parts) } : {};
      const dedupeKey = storedKey(rest.dedupeKey);
      return [
        { ...rest, ...parts, id: newId('evt'), accountId, dedupeKey, handles: sender.handles, name: sender.name },
      ];
    }
  }
}

/** Media that the provider still holds gets a file of ours, pending, which is fetched after the commit. */
function takeOver(parts: readonly Part[]): { parts: readonly Part[]; files: PendingFile[] } {
  const files: PendingFile[] = [];
  if (parts.every(({ type }) => type !== 'media' && type !== 'card')) return { parts, files };
  const hold = (part: MediaPart): MediaPart => {
    if (part.fileId) return part;
    const { ref, url, ...rest } = part;
    const media = rest.name === undefined ? rest : { ...rest, name: safeFileName(rest.name) };
    const source = ref ?? url;
    if (source === undefined) return { ...media, state: 'unavailable' };
    const id = newId('fil');
    files.push({ id, mimeType: part.mimeType, bytes: part.bytes, name: media.name, ref: source });
    return { ...media, fileId: id, state: 'pending' };
  };
  const held = parts.map((part): Part => {
    if (part.type === 'media') return hold(part);
    return part.type === 'card' && part.media ? { ...part, media: hold(part.media) } : part;
  });
  return { parts: held, files };
}
