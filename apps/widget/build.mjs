import { mkdir, readFile, writeFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = join(here, '../demo/page');

/** Style sheets that are imported by code arrive as minified text, to be adopted by a shadow root. */
const cssText = {
  name: 'css-text',
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, target: 'es2021' });
      return { contents: code.trim(), loader: 'text' };
    });
  },
};

const browser = {
  bundle: true,
  format: 'iife',
  minify: true,
  sourcemap: 'linked',
  target: ['es2021'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'warning',
};

/** Elements as calls of `h`, fields as assignments: a fiftieth smaller. */
const compact = {
  tsconfigRaw: {
    compilerOptions: {
      ...{ jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' },
      ...{ strict: true, useDefineForClassFields: false },
    },
  },
  inject: [join(here, 'src/jsx.ts')],
};

/**
 * Bundles the widget into `{outdir}/widget.js` (one IIFE, minified, source map beside it).
 * @returns {Promise<{ bytes: number, gzipped: number }>} the size of widget.js, in bytes
 */
export async function buildWidget(outdir) {
  const outfile = join(outdir, 'widget.js');
  await build({ ...browser, ...compact, entryPoints: [join(here, 'src/main.ts')], outfile, plugins: [cssText] });
  const code = await readFile(outfile);
  return { bytes: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}

/**
 * Bundles the demo page into `outdir`: index.html, demo.js, demo.css, shop.html, shop.js, shop.css.
 * All addresses in it are absolute under `/demo/`.
 */
export async function buildDemoPage(outdir) {
  await mkdir(outdir, { recursive: true });
  await build({ ...browser, entryPoints: { demo: join(page, 'demo.ts'), shop: join(page, 'shop.ts') }, outdir });
  for (const name of ['demo.css', 'shop.css']) {
    const { code } = await transform(await readFile(join(page, name), 'utf8'), { loader: 'css', minify: true });
    await writeFile(join(outdir, name), code);
  }
  for (const name of ['index.html', 'shop.html']) await copyFile(join(page, name), join(outdir, name));
}
