import { createHmac } from 'node:crypto';
import { Pool } from 'undici';

/** Posts signed JSON the fastest way that Node has; throws where it is not taken. */
export function openOutlet(sink: string, secret: string): (id: string, body: string) => Promise<void> {
  const { origin, pathname: path } = new URL(sink);
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const pool = new Pool(origin, { connections: 32 });
  return async (id, body) => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const sum = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${sum}` };
    const headers = { 'content-type': 'application/json', ...signed };
    const answer = await pool.request({ path, method: 'POST', body, headers });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`answered ${answer.statusCode}`);
  };
}
