import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { Ballast } from '../disk/ballast.js';
import { NEEDED, smallDisk } from '../disk/small-disk.js';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';
import { ChatCustomer } from './customers.js';
import { RealRt, rtMissing, type RtEntry } from './real-rt.js';

jest.setTimeout(300_000);

const PICTURE = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(120_000, 'a picture ')]);

const probe = await smallDisk('1m');
await probe?.remove();

afterAll(stopEverything);

describeOnServer(
  'a real Request Tracker whose disk is full',
  rtMissing() ?? (probe ? undefined : `this user cannot mount a small disk, which takes ${NEEDED}`),
  (title) =>
    describe(title, () => {
      let rt: RealRt;
      let stage: Stage;
      let customer: ChatCustomer;
      let ballast: Ballast;

      beforeAll(async () => {
        const disk = (await smallDisk('64m'))!;
        rt = await RealRt.start(disk);
        ballast = new Ballast(join(disk.folder, 'ballast'));
        const config = { apiBase: rt.url, token: rt.gatewayToken };
        stage = await setStage({
          accounts: [{ id: 'web', type: 'webchat', config: {} }],
          settings: { destinations: [{ id: 'rt', type: 'rt', config }] },
        });
        customer = await ChatCustomer.enter(stage.gateway.url);
      });
      afterAll(async () => {
        customer?.leave();
        await stage?.close();
        await rt?.close();
      });

      const pending = () => stage.gateway.api.deliveries('rt', 'pending');
      /** Until an attempt failed because RT could not write. */
      const failing = () =>
        until(
          'a delivery to fail',
          async () => (await pending()).some(({ failure }) => failure?.code === 'unavailable'),
          60_000,
        );
      const goOn = async (): Promise<void> => {
        for (const what of ['pause', 'resume']) await stage.gateway.api.post(`/v1/destinations/rt/${what}`);
      };
      /** What the customer wrote, as RT holds it, once all of it is handed over. */
      const held = async (): Promise<RtEntry[]> => {
        await goOn();
        await until(
          'everything to be delivered',
          async () => {
            const [first] = await pending();
            if (first) throw new Error(JSON.stringify(first));
            return true;
          },
          180_000,
        );
        const [ticket, ...others] = await rt.tickets();
        expect(others).toEqual([]);
        return (await rt.entries(ticket!.id)).filter(({ type }) => type !== 'Comment');
      };
      const lines = (entries: readonly RtEntry[]) => entries.flatMap(({ text }) => /line \d+/.exec(text) ?? []);

      it('takes every message once, in order and with its picture, when there is room again', async () => {
        let count = 0;
        const say = async (picture?: { name: string; content: Buffer }): Promise<void> => {
          count += 1;
          await customer.writes(`line ${count}`, picture);
        };
        ballast.fill(0);
        await say();
        await failing();
        ballast.fill(20_000);
        await goOn();
        await say({ name: 'one.png', content: PICTURE });
        await new Promise((later) => setTimeout(later, 3_000));
        // Room for words, none for files: RT says that it took them, and keeps nothing.
        for (const left of [0, 65_536, 120_000]) {
          ballast.fill(left);
          await goOn();
          await say({ name: `${left}.png`, content: PICTURE });
          await say();
          await new Promise((later) => setTimeout(later, 4_000));
        }
        ballast.remove();
        // With SQLite, a process of RT whose commit failed holds the lock until it ends.
        await rt.stop();
        await rt.begin();
        await say();
        const entries = await held();
        expect(lines(entries)).toEqual(Array.from({ length: count }, (_, n) => `line ${n + 1}`));
        const files = entries.flatMap((entry) => entry.files);
        expect(files.map(({ name }) => name)).toEqual(['one.png', '0.png', '65536.png', '120000.png']);
        for (const { id } of files) expect(await rt.content(id)).toEqual(PICTURE);
        expect(await stage.gateway.api.deliveries('rt', 'dead')).toEqual([]);
      });
    }),
);
