import { crc32, deflateSync } from 'node:zlib';

/** A PNG of a sunset, drawn here so that no binary file has to be kept. */
export function drawPicture(width: number, height: number): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(colourAt(x / width, y / height), y * (1 + width * 3) + 1 + x * 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function colourAt(x: number, y: number): number[] {
  const ridge = Math.min(0.45 + Math.abs(x - 0.32) * 1.1, 0.62 + Math.abs(x - 0.74) * 0.9);
  if (y > ridge) return [63, 44, 86];
  if ((x - 0.72) ** 2 * 2.3 + (y - 0.3) ** 2 < 0.02) return [255, 246, 220];
  const share = (x + y) / 2;
  return [246 - 36 * share, 198 - 111 * share, 103 + 19 * share];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
