import { closeSync, constants, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';

/** Takes every byte but `left`, and does so again when some were given back. */
export class Ballast {
  private readonly file: number;

  constructor(private readonly path: string) {
    this.file = openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND);
  }

  fill(left: number): void {
    for (let size = 4 * 1024 * 1024; size >= 512;) {
      try {
        if (writeSync(this.file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
      } catch {
        size = Math.floor(size / 2);
      }
    }
    if (left > 0) truncateSync(this.path, statSync(this.path).size - left);
  }

  remove(): void {
    closeSync(this.file);
    rmSync(this.path);
  }
}
