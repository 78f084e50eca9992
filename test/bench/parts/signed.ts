import { createHmac } from 'node:crypto';
import { header } from './http-frames.js';

/** Does a request carry a signature of Standard Webhooks by this secret? */
export function signedBy(secret: string): (head: string, body: Buffer) => boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return (head, body) => {
    const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) => header(head, `webhook-${name}`));
    const sum = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    return (signatures ?? '').split(' ').includes(`v1,${sum}`);
  };
}
