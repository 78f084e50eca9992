import { closeSync, cpSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FileChange } from './recorded-files.js';

const PAGE = 4096;

/** What a disk holds after a power cut, given what was there before and what was recorded since. */
export interface PowerCut {
  /** The folder before the first change, whole on the disk. */
  readonly base: string;
  readonly log: string;
  /** How many of the changes had been made. */
  readonly changes: number;
  /** Numbers from 0 to 1: which of the pages that nobody had synced reached the disk by luck, and which names. */
  readonly luck: () => number;
}

export function readChanges(log: string): FileChange[] {
  return readFileSync(`${log}.jsonl`, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as FileChange]));
}

type Write = Extract<FileChange, { kind: 'write' }>;

/** A file: what is on the disk for certain, and what was done to it since, which may be or not. */
interface Inode {
  readonly content: Content;
  unsynced: Extract<FileChange, { kind: 'write' | 'truncate' }>[];
}

/**
 * Makes `target` the folder as it is found after a power cut. A file keeps what was written before it was synced, and by luck some pages of what was written
 * since. Names keep their order, as on a journaling file system: those before the last sync of anything are kept, those since all or not at all.
 */
export function cutPower({ base, log, changes, luck }: PowerCut, target: string): void {
  const bytes = openSync(`${log}.bytes`, 'r');
  const done = readChanges(log).slice(0, changes);
  const lastSync = done.findLastIndex(({ kind }) => kind === 'sync');
  const namesUntil = luck() < 0.5 ? done.length : lastSync + 1;
  const disk = new Disk(base);
  let named = new Map<string, Inode | null>();
  done.forEach((change, index) => {
    disk.apply(change, (write) => piece(bytes, write));
    if (index < namesUntil) named = index === namesUntil - 1 ? new Map(disk.names) : named;
  });
  cpSync(base, target, { recursive: true });
  const page = luck() < 0.5 ? () => false : () => luck() < 0.5;
  for (const [path, inode] of named) {
    const place = join(target, path);
    if (inode === null) rmSync(place, { force: true });
    else {
      for (const change of inode.unsynced)
        if (change.kind === 'write') putLucky(inode.content, change, { page, bytes });
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, inode.content.bytes);
    }
  }
  closeSync(bytes);
}

class Disk {
  /** Files that were touched; null for those that went. */
  readonly names = new Map<string, Inode | null>();

  constructor(private readonly base: string) {}

  apply(change: FileChange, read: (write: Write) => Buffer): void {
    if (change.kind === 'create')
      this.names.set(change.path, this.found(change.path) ?? { content: new Content(Buffer.alloc(0)), unsynced: [] });
    else if (change.kind === 'unlink') this.names.set(change.path, null);
    else if (change.kind === 'rename') {
      this.names.set(change.to, this.found(change.path)!);
      this.names.set(change.path, null);
    } else if (change.kind === 'write' || change.kind === 'truncate') this.found(change.path)?.unsynced.push(change);
    else if (change.kind === 'sync') this.sync(this.found(change.path), read);
  }

  private sync(inode: Inode | undefined, read: (write: Write) => Buffer): void {
    for (const change of inode?.unsynced.splice(0) ?? [])
      if (change.kind === 'truncate') inode!.content.resize(change.length);
      else inode!.content.put(change.at, read(change));
  }

  private found(path: string): Inode | undefined {
    if (!this.names.has(path)) {
      const content = contentOf(join(this.base, path));
      if (content === undefined) return undefined;
      this.names.set(path, { content: new Content(content), unsynced: [] });
    }
    return this.names.get(path) ?? undefined;
  }
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function piece(bytes: number, { length, from }: { readonly length: number; readonly from: number }): Buffer {
  const buffer = Buffer.alloc(length);
  readSync(bytes, buffer, 0, length, from);
  return buffer;
}

/** Of an unsynced write only the pages that luck kept. */
function putLucky(
  content: Content,
  write: Write,
  { page, bytes }: { readonly page: () => boolean; readonly bytes: number },
): void {
  const data = piece(bytes, write);
  for (let offset = 0; offset < data.length;) {
    const end = Math.min(data.length, offset + PAGE - ((write.at + offset) % PAGE));
    if (page()) content.put(write.at + offset, data.subarray(offset, end));
    offset = end;
  }
}

/** Grows by doubling: logs are written in thousands of small pieces. */
class Content {
  #bytes: Buffer;
  #length: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  put(at: number, data: Buffer): void {
    this.#grow(at + data.length);
    data.copy(this.#bytes, at);
  }

  resize(length: number): void {
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#grow(length);
    this.#length = length;
  }

  #grow(length: number): void {
    if (length > this.#bytes.length)
      this.#bytes = Buffer.concat([
        this.#bytes,
        Buffer.alloc(Math.max(length, 2 * this.#bytes.length) - this.#bytes.length),
      ]);
    this.#length = Math.max(this.#length, length);
  }
}
