import type { IncomingMessage } from 'node:http';

/** All bytes of a request. */
export async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The first file of a multipart body; null where there is none. Good enough for what browsers send in tests. */
export function multipartFile(data: Buffer): { name: string; mimeType: string; bytes: Buffer } | null {
  const boundary = data.subarray(0, data.indexOf('\r\n'));
  const headEnd = data.indexOf('\r\n\r\n');
  const head = data.subarray(0, headEnd).toString('utf8');
  const name = /filename="([^"]*)"/.exec(head)?.[1];
  const end = data.indexOf(boundary, headEnd);
  if (name === undefined || end === -1) return null;
  const mimeType = /content-type: *([^\r\n]+)/i.exec(head)?.[1] ?? 'application/octet-stream';
  return { name, mimeType, bytes: data.subarray(headEnd + 4, end - 2) };
}
