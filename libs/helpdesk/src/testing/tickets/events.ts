import type { EventData, Message, Part, StreamEvent } from '#normalizer';
import { messageEvent } from '../bench.js';

type Type = StreamEvent['type'];

/** Events of conversations of one customer, made one after the other. */
export class Story {
  private sequence = 0;

  constructor(
    readonly conversationId = 'cnv_story',
    private readonly changes: { threads?: number; name?: string } = {},
  ) {}

  /** The customer writes. */
  says(content: string | readonly Part[], changes: Partial<Message> = {}): StreamEvent {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : [...content];
    const text = typeof content === 'string' ? content : 'in parts';
    return this.tells('message.received', { message: { parts, text, ...changes } });
  }

  /** Somebody answers. */
  answers(type: Type, message: Partial<Message>): StreamEvent {
    return this.tells(type, {
      message: { direction: 'outbound', author: { kind: 'agent', id: null, name: 'Lin' }, ...message },
    });
  }

  tells(
    type: Type,
    data: Omit<Partial<EventData>, 'message' | 'conversation'> & {
      message?: Partial<Message>;
      status?: never;
      conversationStatus?: 'open' | 'pending' | 'closed';
    },
  ): StreamEvent {
    this.sequence += 1;
    const { message, conversationStatus, ...rest } = data;
    const made = messageEvent(this.sequence, message?.text ?? '', this.conversationId);
    const { conversation, contact, message: whole, ...others } = made.data!;
    const threads = Array.from({ length: this.changes.threads ?? 1 }, (_, n) => ({
      ...conversation!.threads[0]!,
      id: `thr_${n + 1}`,
      channel: ['http', 'sms-twilio'][n]!,
    }));
    return {
      ...made,
      type,
      data: {
        ...others,
        conversation: { ...conversation!, threads, status: conversationStatus ?? 'open', metadata: { order: 'A-17' } },
        contact: {
          ...contact!,
          name: this.changes.name ?? '王芳',
          handles: [
            { scheme: 'phone', scope: '', value: '+8613800138000', proof: 'channel' },
            { scheme: 'email', scope: '', value: 'claimed@example.com', proof: 'claimed' },
          ],
          company: { id: 'cmp_1', name: 'Acme & <Sons>', level: 'vip' },
        },
        ...(message && { message: { ...whole!, ...message } }),
        ...rest,
      },
    };
  }
}

/** A stored picture as a part. */
export function picture(changes: Partial<Extract<Part, { type: 'media' }>> = {}): Part {
  return {
    type: 'media',
    kind: 'image',
    fileId: 'fil_1',
    url: 'https://gateway.example/files/fil_1?sig=0',
    mimeType: 'image/png',
    bytes: 19,
    name: 'broken screen.png',
    state: 'ready',
    ...changes,
  };
}
