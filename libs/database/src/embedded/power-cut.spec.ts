import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startTypeScript } from '../testing/child.js';
import { seededDataDir } from '../testing/embedded-suite.js';
import { openDatabase } from '../open.js';
import { cutPower, readChanges } from '../testing/power-cut.js';
import { type FileChange } from '../testing/recorded-files.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';

const CUTS = Number(process.env['POWER_CUTS'] ?? 4);
const SEED = Number(process.env['POWER_SEED'] ?? Date.now() % 1_000_000);
jest.setTimeout(120_000 + CUTS * 20_000);

const WORKER = new URL('../testing/power.child.ts', import.meta.url);

/** Numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.each(['commit', 'background'] as const)(
  `a power cut at ${CUTS} moments (POWER_SEED=${SEED}) of an embedded database that syncs by "%s"`,
  (sync) => {
    let folder: string;
    let changes: FileChange[];
    const log = (): string => join(folder, 'log');

    beforeAll(async () => {
      folder = await temporaryFolder();
      const seed = await seededDataDir();
      cpSync(join(seed, 'postgres'), join(folder, 'base'), { recursive: true });
      cpSync(join(seed, 'postgres'), join(folder, 'used'), { recursive: true });
      await removeFolder(seed);
      const { code, complaint } = await startTypeScript(WORKER, join(folder, 'used'), log(), sync).ended();
      expect({ code, complaint }).toMatchObject({ code: 0 });
      changes = readChanges(log());
    });
    afterAll(() => removeFolder(folder));

    /** The greatest number promised before a change. */
    function promised(before: number): number {
      const last = changes.slice(0, before).findLast(({ kind }) => kind === 'promise');
      return last?.kind === 'promise' ? last.value : 0;
    }

    /** Right after the file that tells where recovery begins is on the disk: the log that it points to must be there by then. */
    function behindCheckpoint(drawn: number): number {
      const first = changes.findIndex(({ kind }) => kind === 'promise');
      const synced = changes.flatMap((change, index) =>
        index > first && change.kind === 'sync' && change.path.endsWith('pg_control') ? [index + 1] : [],
      );
      return synced[Math.floor(drawn * synced.length)]!;
    }

    it('leaves one that opens, with whole transactions in their order and none missing that was promised', async () => {
      const luck = random(SEED);
      const first = changes.findIndex(({ kind }) => kind === 'promise');
      for (let cut = 0; cut < CUTS; cut += 1) {
        const made =
          cut % 2 === 0 ? behindCheckpoint(luck()) : first + 1 + Math.floor(luck() * (changes.length - first));
        const dataDir = join(folder, 'cut');
        cutPower({ base: join(folder, 'base'), log: log(), changes: made, luck }, join(dataDir, 'postgres'));
        const database = await openDatabase({ dataDir, entities: [], migrations: [] });
        const [row] = await database.query<{ last: number }>(
          'select coalesce(max(n), 0) as last, coalesce(sum(n), 0)::int8 as sum, count(*) as count from written',
        );
        await database.query(`select bool_and(length(filler) > 0) from written`);
        await database.close();
        const { last } = row!;
        const logSync = changes.slice(0, made).findLastIndex(({ kind, ...about }) => kind === 'sync' && 'path' in about && about.path.includes('pg_wal')); // prettier-ignore
        const safe = sync === 'commit' ? promised(made) : promised(logSync);
        expect({ cut, made, ...row, enough: last >= safe }).toEqual({ cut, made, last, sum: 0, count: 2 * last, enough: true }); // prettier-ignore
        rmSync(dataDir, { recursive: true });
      }
    });

    it('was tried on a log that grew into another segment, and on checkpoints', () => {
      const segments = changes.filter((change) => change.kind === 'rename' && /pg_wal\/[0-9A-F]{24}$/.test(change.to));
      expect(segments.length).toBeGreaterThan(0);
      const control = changes.filter((change) => change.kind === 'write' && change.path.endsWith('pg_control'));
      expect(control.length).toBeGreaterThan(3);
    });
  },
);
