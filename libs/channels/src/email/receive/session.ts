import { setTimeout as delay } from 'node:timers/promises';
import { ProviderFailure } from '#normalizer';
import type { ImapFlow } from 'imapflow';
import {
  endOf,
  FolderRefused,
  Folders,
  openImap,
  placeIn,
  readOn,
  readPosition,
  settle,
  touches,
  Watch,
  writePosition,
  type Place,
  type Step,
  type View,
} from '#mail';
import type { Emit, SocketContext } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import type { Inbound } from '../read/inbound.js';
import { place as placed } from '../read/place.js';
import { inboundReader } from './events.js';

type Context = SocketContext<EmailConfig>;

const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 30_000;
/** Attempts to store mail after which it is told that it does not go on. */
const TELLING_AFTER = 5;
/** How long what is under way may take once the session is to end. */
const CLOSING_MS = 5_000;

/**
 * A mailbox that is held open by one connection, which walks all folders: providers count connections (Gmail takes 15), and one serial reader
 * commits one position. The first folder is watched, the others are looked through every `pollS`.
 */
export class MailSession {
  private readonly position: Map<string, Place>;
  private readonly folders: Folders;
  private readonly watch: Watch;
  /** By folder, in words. */
  private readonly troubles = new Map<string, string>();
  private behind = new Set<string>();
  private told = '';
  private begun = false;
  private ending = false;
  private reading: Promise<void> = Promise.resolve();

  private constructor(
    private readonly client: ImapFlow,
    private readonly emit: Emit,
    private readonly ctx: Context,
  ) {
    this.folders = new Folders(client, ctx.config.imap);
    this.watch = new Watch(client, ctx.config.imap);
    this.position = new Map(Object.entries(readPosition(ctx.cursor)));
    client.on('close', () => this.lose());
  }

  /** Connects, finds in every folder where to read on, and begins. Throws `ProviderFailure`. */
  static async open(emit: Emit, ctx: Context): Promise<MailSession> {
    const session = new MailSession(await openImap(ctx), emit, ctx);
    const { folders } = ctx.config.imap;
    try {
      for (const folder of folders) await session.look(folder);
      if (folders.every((folder) => session.troubles.has(folder)))
        throw new ProviderFailure('config-invalid', [...session.troubles.values()].join('; '));
    } catch (error) {
      session.client.close();
      throw endOf(session.client, error);
    }
    session.behind = new Set(folders);
    session.begun = true;
    session.reading = session.read();
    return session;
  }

  /** Lets what is under way be stored, and takes leave. Never throws. */
  async close(): Promise<void> {
    this.ending = true;
    this.watch.wake();
    const patience = new AbortController();
    const leave = this.reading.then(() => (this.client.usable ? this.client.logout() : undefined));
    await Promise.race([leave, delay(CLOSING_MS, undefined, patience)]).catch(() => undefined);
    patience.abort();
    this.client.close();
  }

  private get over(): boolean {
    return this.ending || this.ctx.signal.aborted;
  }

  private async read(): Promise<void> {
    const [watched] = this.ctx.config.imap.folders as [string];
    try {
      while (!this.over) {
        await this.round(this.watch.take() ? watched : undefined);
        await this.tell();
        if (this.behind.size > 0 || this.over) continue;
        if (!this.troubles.has(watched)) await this.folders.have(watched);
        await this.watch.rest(this.folders.dueInMs());
      }
    } catch (error) {
      this.lose(error);
      this.client.close();
    }
  }

  /** Tells, once, that the connection is gone: at once, whatever is being stored meanwhile. The first reason is the one that counts. */
  private lose(error?: unknown): void {
    if (!this.begun || this.over) return;
    this.begun = false;
    this.ctx.lost(endOf(this.client, error));
  }

  /** One page of each folder that has news, or may have some. */
  private async round(news: string | undefined): Promise<void> {
    for (const folder of this.ctx.config.imap.folders) {
      if (this.over) return;
      if (folder !== news && !this.behind.has(folder) && !this.folders.due(folder)) continue;
      if (await this.page(folder)) this.behind.add(folder);
      else this.behind.delete(folder);
    }
  }

  /** Reads one page; resolves with whether there was one. */
  private async page(folder: string): Promise<boolean> {
    const view = await this.look(folder);
    if (!view) return false;
    if (this.position.get(folder)!.due) await this.settle(folder);
    const step = await readOn(this.client, { folder, view, place: this.position.get(folder)! }, { ...this.ctx, reader: inboundReader(this.ctx) });
    if (step) await this.keep(folder, step);
    return step !== null;
  }

  /** What a folder shows, with its place known; null where there is nothing new, or nothing to be seen. */
  private async look(folder: string): Promise<View | null> {
    const { config, now } = this.ctx;
    const before = this.position.get(folder);
    try {
      const view = await this.folders.look(folder, before);
      this.troubles.delete(folder);
      if (!view) return null;
      const place = placeIn(view, before, { since: config.imap.since, now: now() });
      if (place !== before) await this.store([], folder, place);
      return view;
    } catch (error) {
      if (!(error instanceof FolderRefused)) throw error;
      this.troubles.set(folder, error.message);
      return null;
    }
  }

  private async keep(folder: string, { found, place, uids, failed }: Step<Inbound>): Promise<void> {
    const due = touches(this.ctx.config.imap) && uids.length > 0 && { due: uids };
    await this.store(found, folder, { ...place, ...due });
    if (failed) throw failed;
    if (due) await this.settle(folder);
  }

  /** Marks and moves what is stored. Whatever happens meanwhile, what is due stays noted. */
  private async settle(folder: string): Promise<void> {
    const { due = [], ...place } = this.position.get(folder)!;
    const hindrance = await settle(this.client, due, this.ctx.config.imap);
    if (!this.client.usable) return;
    if (hindrance === null) this.troubles.delete(`${folder}: mail`);
    else this.troubles.set(`${folder}: mail`, hindrance);
    await this.store([], folder, place);
  }

  /** Commits what was found, each in its thread, and the place that is reached with it. Stays with it until that is done, or the session ends. */
  private async store(found: readonly Inbound[], folder: string, place: Place): Promise<void> {
    const position = writePosition(Object.fromEntries([...this.position, [folder, place]]));
    // Servers, and the library, end connections over which nothing is said.
    const askMs = this.ctx.config.imap.timeoutMs / 2;
    const alive = setInterval(() => void this.client.noop().catch(() => undefined), askMs).unref();
    try {
      await this.patiently(async () => this.emit(await placed(found, this.ctx), position));
    } finally {
      clearInterval(alive);
    }
    this.position.set(folder, place);
  }

  private async patiently(store: () => Promise<unknown>): Promise<void> {
    for (let [waitMs, attempt] = [FIRST_WAIT_MS, 1]; ; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS), attempt += 1) {
      try {
        return void (await store());
      } catch (error) {
        if (this.over) throw error;
        if (attempt === TELLING_AFTER) await this.tellStuck(error);
        await delay(waitMs, undefined, { signal: this.ctx.signal });
        if (this.ending) throw error;
      }
    }
  }

  private async tellStuck(error: unknown): Promise<void> {
    const { code } = error as { code?: unknown };
    const said = typeof code === 'string' && /^\w{1,40}$/.test(code) ? ` (${code})` : '';
    const detail = `mail that was read cannot be stored${said}: it is tried again, and nothing is read before`;
    const action = 'Look for the error in the log of the database.';
    if (await this.ctx.report({ state: 'degraded', detail, action }).catch(() => false)) this.told = detail;
  }

  private async tell(): Promise<void> {
    const { pollS } = this.ctx.config.imap;
    const asks = `connected; the mail server has no IDLE: it is asked every ${pollS} s`;
    const fine = this.watch.idles ? 'connected' : asks;
    const detail = [...this.troubles.values()].join('; ') || fine;
    if (detail === this.told || (this.told === '' && detail === 'connected')) return;
    const action = this.troubles.size > 0 ? 'Compare `imap.folders` and `imap.moveTo` with the folders of the mailbox.' : null;
    if (await this.ctx.report({ state: action ? 'degraded' : 'connected', detail, action })) this.told = detail;
  }
} // prettier-ignore
