// Builds everything into dist/: TypeScript, the browser's code, and the files that stand beside the sources. What has not changed is left alone.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const SOURCES = ['apps/gateway', 'apps/demo', 'libs', 'config', 'scripts', 'test/bench'];
const ASSET = /\.(?:ya?ml|css|html|svg|png|sql|mjs|json)$/;
const SKIPPED = new Set(['node_modules', 'dist', 'fixtures', 'artifacts']);
const BROWSER = {
  sources: ['apps/widget', 'apps/demo/page', 'libs/channels/src/webchat'],
  widget: 'dist/apps/widget',
  page: 'dist/apps/demo/page',
};
const STAMP = 'dist/.built.json';

function* files(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** Name, time and size of every file: another text as soon as any of them changes. */
function fingerprint(folders) {
  return folders
    .flatMap((folder) => [...files(folder)])
    .map((path) => {
      const { mtimeMs, size } = statSync(path);
      return `${path} ${mtimeMs} ${size}`;
    })
    .sort()
    .join('\n');
}

function compile() {
  const { status } = spawnSync(process.execPath, ['node_modules/ts7/bin/tsc', '-p', 'tsconfig.json'], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Takes away what an earlier build made of sources that are gone. */
function prune() {
  for (const folder of SOURCES) {
    for (const path of files(join('dist', folder))) {
      const source = path.slice('dist/'.length);
      const origins = [source, source.replace(/\.(?:d\.ts|js|js\.map)$/, '.ts')];
      if (!origins.some((origin) => existsSync(origin)) && !path.startsWith(BROWSER.page)) rmSync(path);
    }
  }
}

function copyAssets() {
  for (const path of SOURCES.flatMap((folder) => [...files(folder)])) {
    if (!ASSET.test(path)) continue;
    const target = join('dist', path);
    const old = existsSync(target) ? statSync(target) : undefined;
    const { mtimeMs, size } = statSync(path);
    if (old && old.size === size && old.mtimeMs >= mtimeMs) continue;
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
  }
}

async function buildBrowser() {
  if (!existsSync('apps/widget/src/main.ts') || !existsSync('apps/demo/page/index.html')) return;
  const { buildWidget, buildDemoPage } = await import(pathToFileURL('apps/widget/build.mjs').href);
  await Promise.all([buildWidget(join(root, BROWSER.widget)), buildDemoPage(join(root, BROWSER.page))]);
}

/** A new, empty database for first starts; made anew only for another version of the engine. */
function makeSeed() {
  const { version } = JSON.parse(readFileSync('node_modules/@electric-sql/pglite/package.json', 'utf8'));
  if (existsSync(`dist/seed/pglite-${version}.tar.gz`)) return;
  const { status } = spawnSync(process.execPath, ['dist/libs/database/src/embedded/make-seed.js'], {
    stdio: 'inherit',
  });
  if (status !== 0)
    process.stderr.write('no database was prepared: the first start will make one, which takes longer\n');
}

const built = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : {};
const server = `${readFileSync('tsconfig.json', 'utf8')}${fingerprint(SOURCES)}`;
const browser = fingerprint(BROWSER.sources);
if (built.server !== server || !existsSync('dist/apps/gateway/src/main.js')) {
  compile();
  prune();
  copyAssets();
}
makeSeed();
if (built.browser !== browser || !existsSync(BROWSER.widget)) await buildBrowser();
mkdirSync('dist', { recursive: true });
if (built.server !== server || built.browser !== browser) writeFileSync(STAMP, JSON.stringify({ server, browser }));
