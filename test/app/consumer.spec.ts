import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { binaryMissing, describeOnServer, freePort } from '#helpdesk/testing';
import { emptyFolder, newSecret, removeFolder, setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const SCRIPT = resolve(import.meta.dirname, '..', '..', 'docs', 'examples', 'consumer.py');
const secret = newSecret();

interface Ticket {
  readonly number: number;
  readonly conversation: string;
  readonly events: number;
}

describeOnServer('the example of a consumer, docs/examples/consumer.py,', binaryMissing('python3'), (title) =>
  describe(title, () => {
    let stage: Stage;
    let folder: string;
    let port: number;
    let consumer: ChildProcess | undefined;
    const url = () => `http://127.0.0.1:${port}`;
    const tickets = async () => (await (await fetch(url())).json()) as Ticket[];

    async function start(): Promise<void> {
      const { gateway } = stage;
      const env = {
        GATEWAY_URL: gateway.url,
        GATEWAY_KEY: gateway.adminKey,
        PORT: String(port),
        DATABASE: join(folder, 'consumer.db'),
      };
      consumer = spawn('python3', [SCRIPT], {
        env: { PATH: process.env['PATH'], HOOK_SECRET: secret, ...env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await until('the consumer to listen', () => tickets().catch(() => null));
    }

    async function kill(): Promise<void> {
      const ended = new Promise((done) => consumer?.once('exit', done));
      if (consumer?.kill('SIGKILL')) await ended;
      consumer = undefined;
    }

    beforeAll(async () => {
      [folder, port] = [await emptyFolder(), await freePort()];
      stage = await setStage({
        settings: {
          destinations: [{ id: 'consumer', type: 'webhook', config: { url: `http://127.0.0.1:${port}/hook`, secret } }],
        },
      });
      await start();
    });
    afterEach(async () => {
      if (!consumer) await start();
    });
    afterAll(async () => {
      await kill();
      await stage?.close();
      await removeFolder(folder);
      await stopEverything();
    });

    const sentTo = (thread: string) =>
      stage.provider.taken.flatMap(({ json }) => (json.thread === thread ? json.text : []));
    const drained = () =>
      until(
        'everything to be delivered',
        async () => (await stage.gateway.api.deliveries('consumer', 'pending')).length === 0,
      );

    it('opens a ticket, says so to the customer, and the conversation knows its number', async () => {
      await stage.write({ id: 'first', thread: 'li', text: '你好' });
      await until('the answer', () => sentTo('li')[0]);
      const [ticket] = await tickets();
      const { body } = await stage.gateway.api.get<{ references: object[] }>(
        `/v1/conversations/${ticket!.conversation}`,
      );
      expect(body.references).toEqual([expect.objectContaining({ destinationId: 'consumer', ticketId: '1' })]);
      expect(sentTo('li')).toEqual(['Thank you. This is ticket 1.']);
    });

    it('is killed in the middle of it: every event is kept once, every customer is answered once', async () => {
      const people = ['an', 'bo', 'cy', 'di', 'ed', 'fu'];
      const writing = people.map(async (thread, n) => {
        await stage.writeStubbornly({ id: `k-${thread}-1`, thread, text: 'one' });
        if (n === 2) await kill();
        await stage.writeStubbornly({ id: `k-${thread}-2`, thread, text: 'two' });
      });
      await Promise.all(writing);
      await start();
      await until('all to be answered', () => people.every((thread) => sentTo(thread).length > 0), 60_000);
      await drained();
      const stream = await stage.gateway.api.stream();
      for (const { conversation, events } of await tickets())
        expect(events).toBe(stream.filter(({ data }) => data?.conversation?.id === conversation).length);
      expect((await tickets()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      for (const thread of people)
        expect(sentTo(thread)).toEqual([expect.stringMatching(/^Thank you\. This is ticket \d\.$/)]);
    });

    it('takes nothing that is forged, altered, or old', async () => {
      const event = JSON.stringify({
        id: 'evt_forged',
        type: 'message.received',
        timestamp: '',
        data: { conversation: { id: 'cnv_forged' } },
      });
      const post = async (body: string, { key = secret, ageS = 0 } = {}) => {
        const at = String(Math.floor(Date.now() / 1_000) - ageS);
        const raw = Buffer.from(key.slice('whsec_'.length), 'base64');
        const mac = createHmac('sha256', raw).update(`evt_forged.${at}.${event}`).digest('base64');
        const headers = { 'webhook-id': 'evt_forged', 'webhook-timestamp': at, 'webhook-signature': `v1,${mac}` };
        return (await fetch(`${url()}/hook`, { method: 'POST', body, headers })).status;
      };
      expect(await post(event, { key: `whsec_${randomBytes(32).toString('base64')}` })).toBe(401);
      expect(await post(`${event} `)).toBe(401);
      expect(await post(event, { ageS: 3_600 })).toBe(401);
      expect((await fetch(`${url()}/hook`, { method: 'POST', body: event })).status).toBe(401);
      expect((await tickets()).some(({ conversation }) => conversation === 'cnv_forged')).toBe(false);
    });
  }),
);
