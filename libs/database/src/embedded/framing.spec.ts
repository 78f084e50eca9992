import { describe, expect, it } from '@jest/globals';
import { FrontendFraming, type FrontendStep } from './framing.js';

function message(kind: string, body: string): Buffer {
  const head = Buffer.alloc(5, kind);
  head.writeInt32BE(4 + Buffer.byteLength(body), 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

function first(code: number, body = ''): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, Buffer.from(body)]);
}

const STARTUP = first(196_608, 'user\0postgres\0\0');
const EXTENDED = Buffer.concat([message('P', 'one'), message('B', 'two'), message('E', ''), message('S', '')]);
const SIMPLE = message('Q', 'select 1\0');

function pushAll(...chunks: Buffer[]): FrontendStep[] {
  const framing = new FrontendFraming();
  return chunks.flatMap((chunk) => framing.push(chunk));
}

describe('cutting what a client sends where it waits for an answer', () => {
  it('gives the startup, a whole extended query and a simple query one by one', () => {
    expect(pushAll(Buffer.concat([STARTUP, EXTENDED, SIMPLE]))).toEqual([STARTUP, EXTENDED, SIMPLE]);
  });

  it('gives the same however the bytes are cut', () => {
    const all = Buffer.concat([STARTUP, EXTENDED, SIMPLE]);
    const bytes = Array.from(all, (_, index) => all.subarray(index, index + 1));
    expect(pushAll(...bytes)).toEqual([STARTUP, EXTENDED, SIMPLE]);
  });

  it('holds back what is not complete', () => {
    expect(pushAll(STARTUP, EXTENDED.subarray(0, EXTENDED.length - 1))).toEqual([STARTUP]);
    expect(pushAll(STARTUP, message('P', 'x'))).toEqual([STARTUP]);
  });

  it('keeps a COPY and its rows together', () => {
    const copy = Buffer.concat([
      message('Q', 'copy x from stdin\0'),
      message('d', 'a'),
      message('d', 'b'),
      message('c', ''),
    ]);
    expect(pushAll(STARTUP, Buffer.concat([copy, SIMPLE]))).toEqual([STARTUP, copy, SIMPLE]);
  });

  it('tells requests for encryption, cancellations and the end apart', () => {
    expect(pushAll(first(80_877_103), STARTUP, message('X', ''))).toEqual(['encryption-request', STARTUP, 'end']);
    expect(pushAll(first(80_877_104))).toEqual(['encryption-request']);
    expect(pushAll(first(80_877_102, '12345678'))).toEqual(['end']);
  });
});
