import { expect, it } from '@jest/globals';
import QRCode from 'qrcode';
import { qrCode } from './qr-code.js';

const LINK = 'http://weixin.qq.com/x/4a1cQ5Hm0eHd2yAoRb7L';

/** Rows of dark (`#`) and light (`.`) modules, as the library itself prints them. */
async function printed(text: string): Promise<string[]> {
  const lines = (await QRCode.toString(text, { type: 'utf8', errorCorrectionLevel: 'M', margin: 4 })).split('\n');
  const [upper, lower] = [/[█▀]/, /[█▄]/].map((dark) =>
    lines.map((line) => [...line].map((block) => (dark.test(block) ? '#' : '.')).join('')),
  );
  return lines.flatMap((_, i) => [upper![i]!, lower![i]!]);
}

it('draws what the text holds, with white around it', async () => {
  const svg = Buffer.from(qrCode(LINK)!.replace('data:image/svg+xml;base64,', ''), 'base64').toString();
  const side = Number(/viewBox="0 0 (\d+) /.exec(svg)![1]);
  const drawn = Array.from({ length: side }, () => Array<string>(side).fill('.'));
  for (const [, x, y] of svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) drawn[Number(y)]![Number(x)] = '#';
  expect(drawn.map((row) => row.join(''))).toEqual((await printed(LINK)).slice(0, side));
  expect(drawn[4]!.join('')).toMatch(/^\.{4}#{7}\..*#{7}\.{4}$/);
});

it('is none of a text that is too long', () => {
  expect(qrCode('x'.repeat(4_000))).toBeNull();
});
