import type { Message, Part, StreamEvent } from '#normalizer';

export interface Presentation {
  /** Signs the address under which a stored file can be read for a while. */
  readonly signUrl: (fileId: string) => string;
  /** The reader: a destination sees only its own reference. */
  readonly destinationId?: string;
}

/** A row of the table `event`. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly sequence: number | null;
  readonly data: Record<string, unknown> | null;
  readonly created_at: Date;
}

/** An event as readers get it: the stored snapshot, with file addresses signed afresh. */
export function presentEvent(row: EventRow, how: Presentation): StreamEvent {
  return {
    id: row.id,
    type: row.type as StreamEvent['type'],
    timestamp: row.created_at.toISOString(),
    sequence: row.sequence,
    data: row.data && presentData(row.data as NonNullable<StreamEvent['data']>, how),
  };
}

function presentData(data: NonNullable<StreamEvent['data']>, how: Presentation): NonNullable<StreamEvent['data']> {
  const { message, conversation } = data;
  const presented = { ...data };
  if (message) presented.message = presentMessage(message, how);
  if (conversation && how.destinationId) {
    const references = conversation.references.filter((r) => r.destinationId === how.destinationId);
    presented.conversation = { ...conversation, references };
  }
  return presented;
}

/** A message as readers get it; `message` is what SQL `message_view` makes. */
export function presentMessage(message: Message, how: Presentation): Message {
  return { ...message, parts: presentParts(message.parts, how) };
}

/** Parts with the addresses of stored files signed; the provider's own references never leave. */
export function presentParts(parts: readonly Part[], how: Presentation): Part[] {
  return parts.map((part) => {
    if (part.type === 'media') {
      const { ref: _ref, ...media } = part;
      return media.fileId ? { ...media, url: how.signUrl(media.fileId) } : media;
    }
    return part.type === 'card' && part.media
      ? { ...part, media: presentParts([part.media], how)[0] as typeof part.media }
      : part;
  });
}
