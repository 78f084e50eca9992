import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Pigeon } from '../../docs/pigeon/pigeon.mjs';
import { emptyFolder, type Gateway, newGateway, removeFolder, stopEverything, until } from '../support/index.js';
import { run } from './checkout.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const NAME = 'tributary-channel-pigeon';
const MINUTES = 60_000;
const npm = async (cwd: string, ...args: string[]) => {
  const said = await run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], cwd);
  if (said.code !== 0) throw new Error(said.output);
};
const tarball = async (folder: string, name: string) =>
  join(
    folder,
    (await readdir(folder)).find((file) => file.startsWith(`${name}-`) && file.endsWith('.tgz'))!,
  );

/** The example as its author has it: the kit installed, which here is this repository, compiled and packed. */
async function packExample(folder: string): Promise<string> {
  const own = join(folder, 'author');
  await cp(join(ROOT, 'examples/channel-pigeon'), own, { recursive: true });
  await mkdir(join(own, 'node_modules', '.bin'), { recursive: true });
  await symlink(ROOT, join(own, 'node_modules', 'tributary'));
  await symlink(join(ROOT, 'node_modules', '@types'), join(own, 'node_modules', '@types'));
  await symlink(join(ROOT, 'node_modules', 'ts7', 'bin', 'tsc'), join(own, 'node_modules', '.bin', 'tsc'));
  await npm(own, 'pack', '--pack-destination', folder);
  return tarball(folder, NAME);
}

describe('a channel in a package of its own', () => {
  let folder: string;
  let project: string;
  let pigeon: Pigeon;

  beforeAll(async () => {
    folder = await emptyFolder();
    project = join(folder, 'project');
    await mkdir(project);
    await npm(ROOT, 'pack', '--ignore-scripts', '--pack-destination', folder);
    const dependencies = { tributary: await tarball(folder, 'tributary'), [NAME]: await packExample(folder) };
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
    await npm(project, 'install', '--prefer-offline', '--ignore-scripts');
    pigeon = await new Pigeon().start();
  }, 10 * MINUTES);
  afterAll(async () => {
    await pigeon.close();
    await stopEverything();
    await removeFolder(folder);
  });

  const installed = (config: Record<string, unknown>): Promise<Gateway> =>
    newGateway({ config, entry: join(project, 'node_modules/tributary/dist/apps/gateway/src/main.js') });

  it(
    'passes the conformance suite where it is installed',
    async () => {
      const { code, output } = await run(
        process.execPath,
        ['--test', `node_modules/${NAME}/dist/pigeon.adapter.spec.js`],
        project,
      );
      expect([code, output]).toEqual([0, expect.stringMatching(/^# fail 0$/m)]);
      expect(Number(/^# pass (\d+)$/m.exec(output)![1])).toBeGreaterThan(35);
    },
    2 * MINUTES,
  );

  it(
    'carries a conversation through the packed gateway, photos, refusals and receipts included',
    async () => {
      const gateway = await installed({
        packages: [NAME],
        accounts: [
          {
            id: 'birds',
            type: 'pigeon',
            config: { apiKey: pigeon.key, signingSecret: pigeon.secret, apiBase: pigeon.url },
          },
        ],
      });
      await gateway.start();
      pigeon.callback = `${gateway.url}/channels/birds`;
      expect(await pigeon.post({ type: 'hello', challenge: 'coo' })).toBe(200);
      expect((await gateway.api.post<{ ok: boolean }>('/v1/accounts/birds/check')).body).toMatchObject({ ok: true });

      const from = { loft: 'grey-7', name: 'Ada' };
      const asked = {
        type: 'message',
        from,
        message: 'm-1',
        text: 'Where is my parcel?',
        photo: { id: 'f-1', type: 'image/png', bytes: 70 },
      };
      expect(await pigeon.tell(asked)).toBe(200);
      const received = await until('the photo', async () => {
        const events = await gateway.api.stream();
        return events.find(({ data }) =>
          data?.message?.parts.some((part) => part.type === 'media' && part.state === 'ready'),
        );
      });
      const { conversation } = received.data!;
      expect(received.data).toMatchObject({
        message: { text: expect.stringContaining('Where is my parcel?') },
        contact: { name: 'Ada' },
      });

      pigeon.refuse('tired', { wait: 1 });
      const answer = await gateway.api.post<{ id: string }>(`/v1/conversations/${conversation!.id}/messages`, {
        text: 'On its way',
      });
      expect(answer.status).toBe(202);
      await until('the answer', () => pigeon.sent.length === 1);
      expect(pigeon.sent[0]).toMatchObject({ to: 'grey-7', text: 'On its way' });
      const status = async () =>
        (await gateway.api.get<{ status: string }>(`/v1/messages/${answer.body.id}`)).body.status;
      await until('its id', async () => (await status()) === 'sent');
      await pigeon.tell({ type: 'landed', message: 'p-1' });
      expect(await status()).toBe('delivered');
      expect(await pigeon.tell({ type: 'moulting', from })).toBe(200);
      await gateway.stop();
    },
    2 * MINUTES,
  );

  it.each([
    ['is not installed', 'tributary-channel-crow', 'it is not installed'],
    ['is broken', './broken', 'it cannot be loaded: no feathers'],
    ['is made for another version', './old', 'is made for tributary ^9.0.0'],
  ])(
    'stops the start where it %s, with its name and the reason',
    async (_how, name, reason) => {
      const gateway = await installed({ packages: [name] });
      const manifest = (more: object) =>
        JSON.stringify({ name: 'crow', type: 'module', peerDependencies: { tributary: '*' }, ...more });
      await gateway.beside({
        'broken/package.json': manifest({}),
        'broken/index.js': `throw new Error('no feathers')`,
        'old/package.json': manifest({ peerDependencies: { tributary: '^9.0.0' } }),
      });
      const { code, output } = await gateway.startAndEnd();
      expect(code).toBe(1);
      expect(output).toContain(`Tributary cannot start: the package ${name} cannot be used: `);
      expect(output).toContain(reason);
      expect(output).not.toContain('    at ');
    },
    MINUTES,
  );
});
