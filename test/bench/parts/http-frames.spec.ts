import { describe, expect, it } from '@jest/globals';
import { header, HttpFrames } from './http-frames.js';

describe('HttpFrames', () => {
  const text = 'POST /a HTTP/1.1\r\nContent-Length: 5\r\nWebhook-Id: one\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n';

  it.each([1, 3, 7, 1_000])('cuts pieces of %i bytes at the ends of the messages', (size) => {
    const seen: [string | undefined, string][] = [];
    const frames = new HttpFrames((head, body) => seen.push([header(head, 'webhook-id'), body.toString()]));
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) frames.push(bytes.subarray(at, at + size));
    expect(seen).toEqual([
      ['one', 'hello'],
      [undefined, ''],
    ]);
  });

  it('refuses a message that does not state its length', () => {
    const frames = new HttpFrames(() => undefined);
    expect(() => frames.push(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))).toThrow('length');
  });
});
