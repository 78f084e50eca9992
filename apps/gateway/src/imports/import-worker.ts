import type { Leases } from '#conversations';
import { isTransient, type Database } from '#database';
import { failImport, runImport, sweepImports, unfinishedImports } from '#identity';
import type { Logger } from 'pino';
import { Background } from '../ops/background.js';

const EVERY_MS = 10_000;
const SWEEP_MS = 60 * 60_000;
/** Rounds in which the database refuses an import for no passing reason, until it is given up. */
const PATIENCE = 3;

export interface ImportWorkerParts {
  readonly database: Database;
  readonly leases: Leases;
  readonly log: Logger;
}

/**
 * Does imports in the background: each by one process at a time, which holds the lease `import:ID`. What a process leaves behind, also by a kill, another one (or
 * the same after its restart) takes up behind the last row that was committed.
 */
export class ImportWorker extends Background {
  private readonly refusals = new Map<string, number>();
  private sweptAt = -Infinity;

  constructor(private readonly parts: ImportWorkerParts) {
    super({ database: parts.database, hint: 'imports', everyMs: EVERY_MS, work: (goesOn) => this.round(goesOn) });
  }

  private async round(goesOn: () => boolean): Promise<void> {
    try {
      for (const id of await unfinishedImports(this.parts.database)) if (goesOn()) await this.take(id, goesOn);
      await this.sweep();
    } catch (error) {
      this.parts.log.warn({ err: error }, 'imports cannot be looked for');
    }
  }

  private async take(id: string, isOn: () => boolean): Promise<void> {
    const { database, leases, log } = this.parts;
    const [lease] = await leases.acquire([`import:${id}`]);
    if (!lease) return;
    try {
      const goesOn = () => isOn() && leases.holds(lease);
      const onTurn = () => ['outbox', 'events', 'companies'].forEach((channel) => database.hint(channel));
      if (await runImport(database, id, { goesOn, onTurn })) log.info({ import: id }, 'an import is done');
      this.refusals.delete(id);
    } catch (error) {
      await this.refused(id, error);
    } finally {
      await leases.release([lease]);
    }
  }

  /** What passes is tried again at the next look; what does not is given up after a few. */
  private async refused(id: string, error: unknown): Promise<void> {
    const { database, log } = this.parts;
    log.warn({ err: error, import: id }, 'an import was broken off');
    if (isTransient(error)) return;
    const count = (this.refusals.get(id) ?? 0) + 1;
    this.refusals.set(id, count);
    if (count < PATIENCE) return;
    this.refusals.delete(id);
    await failImport(database, id, 'the database refuses it; the log says why');
  }

  private async sweep(): Promise<void> {
    if (performance.now() - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = performance.now();
    await sweepImports(this.parts.database);
  }
}
