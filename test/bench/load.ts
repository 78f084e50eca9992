import { createHmac, randomBytes } from 'node:crypto';
import { Pool } from 'undici';

export interface Load {
  readonly url: string;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  /** Signs a body for this time; returns the headers. */
  readonly headers: (body: string, id: string) => Record<string, string>;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly failed: number;
}

const SENDERS = 512;
/** Another run, other events: nothing is a duplicate of an earlier round. */
const run = randomBytes(4).toString('hex');
let sent = 0;

/** Closed loop: every connection posts its next message when the last one is answered, for the given time. Answers other than 2xx are failures. */
export async function load({ url, path, connections, seconds, headers }: Load): Promise<Measured> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const times: number[] = [];
  let failed = 0;
  const until = performance.now() + seconds * 1_000;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const { id, body } = message();
      const start = performance.now();
      const answer = await pool.request({ path, method: 'POST', body, headers: headers(body, id) });
      await answer.body.dump();
      times.push(performance.now() - start);
      if (answer.statusCode >= 300) failed += 1;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  const elapsed = (performance.now() - start) / 1_000;
  await pool.close();
  times.sort((a, b) => a - b);
  const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
  return { perSecond: (times.length - failed) / elapsed, p50: at(0.5), p99: at(0.99), p999: at(0.999), failed };
}

function message(): { id: string; body: string } {
  sent += 1;
  const id = `${run}-${sent}`;
  const phone = `+86138${String(sent % SENDERS).padStart(8, '0')}`;
  const text = `Message ${sent}: the report cannot be exported, 报表导不出来`;
  return {
    id,
    body: JSON.stringify({
      type: 'message',
      id,
      thread: phone,
      sender: { handles: [{ scheme: 'phone', value: phone }] },
      text,
    }),
  };
}

/** Standard Webhooks headers, as a caller of the `http` channel makes them. */
export function signer(secret: string): Load['headers'] {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return (body, id) => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
  };
}
