import { createHmac } from 'node:crypto';

/** Where a load goes: a port of this machine and a path. */
export interface Target {
  readonly port: number;
  readonly path: string;
  /** Signs bodies as callers of the `http` channel do; absent where nobody verifies. */
  readonly secret?: string;
  /** Begins the number of every customer; another one makes other customers. */
  readonly prefix?: string;
  /** Spreads those who write over so many customers, in place of one after the other. */
  readonly among?: number;
}

/** What tells a message of a run from every other: who wrote it, and as the how manieth of theirs. */
export interface Writing {
  readonly run: string;
  readonly sender: number;
  readonly ordinal: number;
}

/** The provider's id of a message. */
export const idOf = ({ run, sender, ordinal }: Writing): string => `${run}-${sender}-${ordinal}`;

/** Which message a text belongs to that begins as all texts of the loads do. */
export function writingIn(text: string): Writing | undefined {
  const [, run, sender, ordinal] = /^(?:Message|Answer) (\w+)-(\d+)-(\d+):/.exec(text) ?? [];
  return run === undefined ? undefined : { run, sender: Number(sender), ordinal: Number(ordinal) };
}

/** A customer's message as the `http` channel is posted it: about 230 bytes. */
function body(id: string, phone: string): string {
  return JSON.stringify({
    type: 'message',
    id,
    thread: phone,
    sender: { handles: [{ scheme: 'phone', value: phone }] },
    text: `Message ${id}: the report cannot be exported, 报表导不出来`,
  });
}

/** Prime, so that it meets every customer of any number that it does not divide. */
const STRIDE = 7_919;

/** Makes whole requests of HTTP/1.1, ready to be written; signed now, which holds for five minutes. */
export function requestsTo({ port, path, secret, prefix = '+86138', among }: Target): (writing: Writing) => Buffer {
  const key = secret === undefined ? undefined : Buffer.from(secret.replace('whsec_', ''), 'base64');
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n`;
  const customer = (sender: number): number => (among === undefined ? sender : (sender * STRIDE) % among);
  return (writing) => {
    const id = idOf(writing);
    const text = body(id, `${prefix}${String(customer(writing.sender)).padStart(8, '0')}`);
    const signed = key === undefined ? '' : signature(key, id, text);
    return Buffer.from(`${head}${signed}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  };
}

/** The headers of Standard Webhooks. */
export function signature(key: Buffer, id: string, text: string): string {
  const timestamp = Math.floor(Date.now() / 1_000);
  const sum = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
  return `webhook-id: ${id}\r\nwebhook-timestamp: ${timestamp}\r\nwebhook-signature: v1,${sum}\r\n`;
}

/** Milliseconds of the machine's own clock, the same in all its processes. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
