import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryEmbedded } from '#database/testing';

/** An empty temporary folder. */
export function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tributary-app-'));
}

/** A data folder in which an empty embedded database stands already: making one takes seconds. */
export async function dataFolder(): Promise<string> {
  const { dataDir } = await temporaryEmbedded().place();
  return dataDir!;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
