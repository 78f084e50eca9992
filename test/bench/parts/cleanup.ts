const open = new Set<() => Promise<void>>();

/** Registers the end of something; returns what ends it, once. */
export function onStop(end: () => Promise<unknown> | unknown): () => Promise<void> {
  const stop = async (): Promise<void> => {
    if (open.delete(stop)) await end();
  };
  open.add(stop);
  return stop;
}

/** Ends whatever still runs, the latest first: nothing outlives a bench, however that ended. */
export async function stopEverything(): Promise<void> {
  for (const stop of [...open].reverse()) {
    await stop().catch((error: unknown) => process.stderr.write(`could not be ended: ${String(error)}\n`));
  }
}
