import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { relative, resolve } from 'node:path';

/** One change below the recorded folder, in the order in which it was made. Bytes stand in the file beside the list. */
export type FileChange =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly at: number;
      readonly length: number;
      readonly from: number;
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'create' | 'unlink' | 'mkdir' | 'rmdir' | 'sync'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  /** What the program says it has promised by now. */
  | { readonly kind: 'promise'; readonly value: number };

/**
 * Notes every change that this process makes below `folder` by synchronous calls of `fs` (as Emscripten does) into `<log>.jsonl` and `<log>.bytes`. To be
 * called before whatever writes is imported.
 */
export function recordFiles(folder: string, log: string): (value: number) => void {
  const real = { ...fs };
  const list = real.openSync(`${log}.jsonl`, 'w');
  const bytes = real.openSync(`${log}.bytes`, 'w');
  const open = new Map<number, string>();
  let kept = 0;

  const note = (change: FileChange): void => void real.writeSync(list, `${JSON.stringify(change)}\n`);
  const below = (path: unknown): string | undefined => {
    const short = relative(folder, resolve(String(path)));
    return short.startsWith('..') ? undefined : short;
  };
  const byPath = (kind: 'create' | 'unlink' | 'mkdir' | 'rmdir', target: unknown): void => {
    const path = below(target);
    if (path !== undefined) note({ kind, path });
  };
  const sync = (descriptor: number): void => {
    const path = open.get(descriptor);
    if (path !== undefined) note({ kind: 'sync', path });
  };
  const changed = {
    openSync(path: fs.PathLike, ...rest: [fs.OpenMode?, fs.Mode?]) {
      const existed = real.existsSync(path);
      const descriptor = real.openSync(path, ...(rest as [fs.OpenMode, fs.Mode?]));
      const short = below(path);
      if (short !== undefined) open.set(descriptor, short);
      if (!existed) byPath('create', path);
      return descriptor;
    },
    closeSync(descriptor: number) {
      open.delete(descriptor);
      real.closeSync(descriptor);
    },
    writeSync(...[descriptor, data, offset, length, at]: [number, Uint8Array, number, number, number]) {
      const written = real.writeSync(descriptor, data, offset, length, at);
      const path = open.get(descriptor);
      if (path !== undefined) {
        real.writeSync(bytes, data, offset, written);
        note({ kind: 'write', path, at, length: written, from: kept });
        kept += written;
      }
      return written;
    },
    writeFileSync(path: fs.PathOrFileDescriptor, data: string, options?: fs.WriteFileOptions) {
      if (data.length > 0 && below(path) !== undefined) throw new Error('a write that is not recorded');
      real.writeFileSync(path, data, options);
      byPath('create', path);
    },
    truncateSync(path: fs.PathLike, length = 0) {
      real.truncateSync(path, length);
      const short = below(path);
      if (short !== undefined) note({ kind: 'truncate', path: short, length });
    },
    ftruncateSync(descriptor: number, length = 0) {
      real.ftruncateSync(descriptor, length);
      const path = open.get(descriptor);
      if (path !== undefined) note({ kind: 'truncate', path, length });
    },
    renameSync(from: fs.PathLike, to: fs.PathLike) {
      real.renameSync(from, to);
      const path = below(from);
      if (path !== undefined) note({ kind: 'rename', path, to: below(to)! });
    },
    unlinkSync: (path: fs.PathLike) => (real.unlinkSync(path), byPath('unlink', path)),
    rmdirSync: (path: fs.PathLike) => (real.rmdirSync(path), byPath('rmdir', path)),
    mkdirSync: (path: fs.PathLike, options?: fs.Mode) => (real.mkdirSync(path, options), byPath('mkdir', path)),
    fsyncSync: (descriptor: number) => (real.fsyncSync(descriptor), sync(descriptor)),
    fdatasyncSync: (descriptor: number) => (real.fdatasyncSync(descriptor), sync(descriptor)),
  };
  Object.assign(fs, changed);
  syncBuiltinESMExports();
  return (value) => note({ kind: 'promise', value });
}
