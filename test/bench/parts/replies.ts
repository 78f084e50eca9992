import { idOf, type Writing } from './messages.js';

/** The API of a gateway, where an agent answers. */
export interface ReplyTarget {
  readonly port: number;
  readonly key: string;
  /** Of each sender. */
  readonly conversations: readonly string[];
}

/** Makes whole requests that answer the sender's conversation. */
export function repliesTo({ port, key, conversations }: ReplyTarget): (writing: Writing) => Buffer {
  return (writing) => {
    const text = JSON.stringify({
      text: `Answer ${idOf(writing)}: fixed, please try again, 已修复`,
      author: { name: 'Lin' },
    });
    const path = `/v1/conversations/${conversations[writing.sender]}/messages`;
    return Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  };
}
