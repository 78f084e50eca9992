import { sealAudit, writeAudit, type AuditEntry } from '#conversations';
import type { Database } from '#database';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { DATABASE, LOGGER } from '../tokens.js';

const EVERY_MS = 1_000;
/** Entries of one statement; as many waiting are written at once. */
const BATCH = 500;
/** With so many waiting, whoever reads waits until they are written. */
const MOST_WAITING = 5_000;
/** Without anything to write, the chain is looked after this seldom. */
const IDLE_TURNS = 10;

/**
 * The audit log of this process. Changes are written in their own transaction; reads gather and are written each second and when the process stops, so that a
 * process that is killed loses the reads of its last second, and no change.
 */
@Injectable()
export class AuditLog implements OnApplicationBootstrap, OnApplicationShutdown {
  private waiting: AuditEntry[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private turns = 0;
  private troubled = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.turn(), EVERY_MS).unref();
  }

  /** After the last request was answered. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
    await sealAudit(this.database).catch(() => undefined);
  }

  /** Notes a call that changed nothing; resolves at once, unless very many wait to be written. */
  async note(entry: AuditEntry): Promise<void> {
    this.waiting.push(entry);
    if (this.waiting.length >= MOST_WAITING) await this.flush();
    else if (this.waiting.length === BATCH) void this.flush();
  }

  /** Writes what waits. What the database does not take now waits on. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async turn(): Promise<void> {
    const due = this.waiting.length > 0 || this.turns % IDLE_TURNS === 0;
    this.turns += 1;
    if (!due) return;
    await this.flush();
    await sealAudit(this.database).catch(() => undefined);
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, BATCH);
      try {
        await writeAudit(this.database, batch);
        this.waiting.splice(0, batch.length);
        this.troubled = false;
      } catch (error) {
        if (!this.troubled) this.log.error({ err: error }, 'the audit log cannot be written; it waits');
        this.troubled = true;
        return;
      }
    }
  }
}
