import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  dataFolder,
  expectPromisesKept,
  removeFolder,
  setStage,
  stopEverything,
  until,
  type Stage,
} from '../support/index.js';
import { Ballast } from './ballast.js';
import { NEEDED, smallDisk, type SmallDisk } from './small-disk.js';

const DISK = '140m';
const MS = 240_000;

const probe = await smallDisk(DISK);
await probe?.remove();
if (!probe && process.env['CI'] === 'true')
  it('needs a small disk to fill', () => {
    throw new Error(`nothing was tested here: this user can mount none, which takes ${NEEDED}`);
  });

(probe ? describe : describe.skip)(
  `a full disk${probe ? '' : ` SKIPPED: this user cannot mount a small one, which takes ${NEEDED}`}`,
  () => {
    let stage: Stage;
    let disk: SmallDisk | null;
    let dataDir: string;

    beforeAll(async () => {
      disk = await smallDisk(DISK);
      dataDir = disk!.folder;
      const seed = await dataFolder();
      cpSync(seed, dataDir, { recursive: true });
      await removeFolder(seed);
      stage = await setStage({ dataDir });
    }, MS);
    afterAll(async () => {
      await stage?.close();
      await disk?.remove();
      await stopEverything();
    }, MS);

    /** What compresses badly, so that few messages fill the log. */
    const noise = (): string => randomBytes(6_000).toString('base64');

    async function upload(): Promise<number> {
      const form = new FormData();
      form.set('file', new Blob([new Uint8Array(200_000)]), 'photo.bin');
      const headers = { authorization: `Bearer ${stage.gateway.adminKey}` };
      return (await fetch(`${stage.gateway.url}/v1/files`, { method: 'POST', headers, body: form })).status;
    }

    /** Ten messages at once; adds to `refused` what was not taken, and fails where that was told by anything but 5xx. */
    async function offer(round: string, refused: string[]): Promise<void> {
      const ids = Array.from({ length: 10 }, (_, n) => `${round}-${n}`);
      const told = await Promise.all(
        ids.map((id) => stage.write({ id, thread: `room-${id.at(-1)}`, text: noise() }).then(() => 200, statusOf)),
      );
      refused.push(...ids.filter((_, n) => told[n] !== 200));
      expect(told.filter((status) => status !== 200 && (status < 500 || status > 599))).toEqual([]);
      expect(stage.gateway.alive).toBe(true);
    }

    it.each([
      ['at all', 0, /could not extend file/],
      ['for the log, where Postgres panics', 6 * 1024 * 1024, /the embedded database stopped: could not write/],
    ])(
      'without room %s refuses with 5xx, stays alive, and takes everything again once there is room',
      async (...about) => {
        const [name, left, said] = about;
        await stage.write({ id: `before ${name}`, thread: 'room' });
        const ballast = new Ballast(join(dataDir, 'ballast'));
        const refused: string[] = [];
        for (let n = 0; refused.length < 60 || !said.test(stage.gateway.logs); n += 1) {
          ballast.fill(left);
          await offer(`${name}-${n}`, refused);
        }
        ballast.fill(0);
        expect(await upload()).toBeGreaterThanOrEqual(500);
        expect((await fetch(`${stage.gateway.url}/health/live`)).status).toBe(200);
        const { pid } = stage.gateway;
        ballast.remove();
        for (const id of refused) await stage.writeStubbornly({ id, thread: `room-${id.at(-1)}`, text: 'again' });
        await until('an upload to be taken', async () => (await upload()) === 201);
        expect([stage.gateway.pid, stage.gateway.alive]).toEqual([pid, true]);
        await expectPromisesKept(stage);
        expect(stage.gateway.logs).not.toMatch(/nobody listened|caught nowhere/);
      },
      MS,
    );
  },
);

/** `Poster.write` tells the status of what was not taken. */
function statusOf(error: unknown): number {
  return Number(/not taken: (\d+)/.exec(String(error))?.[1] ?? 0);
}
