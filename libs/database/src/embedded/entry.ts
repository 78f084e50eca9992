import { fileURLToPath } from 'node:url';

/** Where a thread or a process of the embedded database starts: the compiled file, or its source where this very file runs as source. */
export function entry(name: 'engine' | 'create'): { readonly file: string; readonly execArgv: string[] } {
  const asSource = import.meta.url.endsWith('.ts');
  return {
    file: fileURLToPath(new URL(`./${name}.${asSource ? 'ts' : 'js'}`, import.meta.url)),
    execArgv: asSource ? ['--import', new URL('../testing/typescript.mjs', import.meta.url).href] : [],
  };
}
