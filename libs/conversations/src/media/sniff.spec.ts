import { describe, expect, it } from '@jest/globals';
import { typeAllowed } from './files.js';
import { kindOf, sniff } from './sniff.js';
import { GIF, jpeg, PDF, png } from './testing/bytes.js';

describe('sniff', () => {
  it('tells pictures with their size, whatever they were declared to be', async () => {
    expect(await sniff(png(640, 480), 'text/html')).toEqual({
      mimeType: 'image/png',
      kind: 'image',
      width: 640,
      height: 480,
    });
    expect(await sniff(png(50_000, 50_000))).toMatchObject({ width: 50_000, height: 50_000 });
    expect(await sniff(PDF, 'image/png')).toEqual({ mimeType: 'application/pdf', kind: 'file' });
  });

  it('gives the size of a turned photograph as it is looked at', async () => {
    expect(await sniff(jpeg(100, 50, 6))).toMatchObject({ mimeType: 'image/jpeg', width: 50, height: 100 });
    expect(await sniff(jpeg(100, 50, 1))).toMatchObject({ width: 100, height: 50 });
  });

  it.each([
    ['<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'image/svg+xml'],
    ['<?xml version="1.0"?>\n<!-- x --><svg onload="alert(1)"/>', 'image/svg+xml'],
    ['  \n<!DOCTYPE html><script>alert(1)</script>', 'text/html'],
    ['hello <script>alert(1)</script>', 'text/html'],
    ['<?xml version="1.0"?><a/>', 'application/xml'],
  ])('calls markup by its name: %j', async (text, mimeType) => {
    const sniffed = await sniff(Buffer.from(text), 'image/png');
    expect(sniffed).toEqual({ mimeType, kind: 'file' });
  });

  it('takes a picture that is a page as well for the picture', async () => {
    expect((await sniff(Buffer.concat([GIF, Buffer.from('<script>alert(1)</script>')]))).mimeType).toBe('image/gif');
  });

  it('lets the sender choose only between true answers', async () => {
    expect((await sniff(Buffer.from('a,b\n1,2'), 'text/csv')).mimeType).toBe('text/csv');
    expect((await sniff(Buffer.from('a,b\n1,2'), 'text/html')).mimeType).toBe('text/plain');
    expect((await sniff(Buffer.from([1, 2, 3, 0, 255]), 'text/csv')).mimeType).toBe('application/octet-stream');
    expect((await sniff(Buffer.from('你好，世界'))).mimeType).toBe('text/plain');
  });

  it('never shows a document that can run scripts as a picture', () => {
    expect(kindOf('image/svg+xml')).toBe('file');
    expect(typeAllowed('image/svg+xml', ['image/*'])).toBe(false);
    expect(typeAllowed('image/png', ['image/*'])).toBe(true);
    expect(typeAllowed('imagex/png', ['image/*'])).toBe(false);
    expect(typeAllowed('application/pdf', [])).toBe(true);
  });
});
