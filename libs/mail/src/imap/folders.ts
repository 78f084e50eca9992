import type { ImapFlow } from 'imapflow';
import type { Mailbox } from '../settings.js';
import { touches } from './afterwards.js';
import type { Place, View } from './place.js';

/** So often the watched folder is opened anew, by which a server shows that it numbers anew: with many mails that costs it something. */
const OPEN_MS = 900_000;

/** The server refuses a folder: it does not exist, or may not be read. */
export class FolderRefused extends Error {}

/** The folders of a mailbox over one connection, of which one is open at a time. */
export class Folders {
  private opened: string | undefined;
  private openedAt = 0;
  private readonly looked = new Map<string, number>();

  constructor(
    private readonly client: ImapFlow,
    private readonly settings: Mailbox['imap'],
  ) {}

  /** How long until the next folder is to be looked through, milliseconds. */
  dueInMs(): number {
    return Math.max(0, Math.min(...this.settings.folders.map((folder) => this.dueAt(folder))) - performance.now());
  }

  due(folder: string): boolean {
    return this.dueAt(folder) <= performance.now();
  }

  private dueAt(folder: string): number {
    return (this.looked.get(folder) ?? -Infinity) + this.settings.pollS * 1_000;
  }

  /**
   * Looks for news in a folder, and opens it where there are some, or may be; null where there are none. What UIDNEXT and UIDVALIDITY tell is
   * asked by STATUS, which leaves the open folder open. Throws `FolderRefused`.
   */
  async look(folder: string, place: Place | undefined): Promise<View | null> {
    if (this.opened === folder && place && performance.now() - this.openedAt < OPEN_MS)
      return this.newest(folder, place);
    const [watched] = this.settings.folders;
    if (folder === watched || !place || place.due) return this.open(folder, place);
    const view = await this.status(folder);
    this.looked.set(folder, performance.now());
    return view && same(view, place) ? null : this.open(folder, place);
  }

  /** Opens a folder: to be read alone, unless mail is to be marked or moved. Throws `FolderRefused`. */
  async open(folder: string, place?: Place): Promise<View> {
    this.opened = undefined;
    this.looked.set(folder, performance.now());
    try {
      const { uidValidity, uidNext, highestModseq, noModseq } = await this.client.mailboxOpen(folder, {
        readOnly: !touches(this.settings),
      });
      this.opened = folder;
      this.openedAt = performance.now();
      const modseq = noModseq ? null : (highestModseq ?? null);
      // Some say none, and some one that was given long ago: the highest number there is tells that from a server that was restored.
      const known = uidNext !== undefined && uidNext > (place?.uid ?? 0);
      const next = known ? uidNext : Math.max(uidNext || 1, (await this.top()) + 1);
      return { validity: String(uidValidity), next, modseq };
    } catch (error) {
      throw this.refusal(error, folder);
    }
  }

  /** Opens it unless it is. */
  async have(folder: string): Promise<void> {
    if (this.opened !== folder) await this.open(folder);
  }

  private async status(folder: string): Promise<View | null> {
    try {
      const asked = { uidNext: true, uidValidity: true, highestModseq: true };
      const status = await this.client.status(folder, asked);
      if (!status || status.uidNext === undefined) return null;
      return {
        validity: String(status.uidValidity),
        next: status.uidNext,
        modseq: status.highestModseq ?? null,
      };
    } catch (error) {
      throw this.refusal(error, folder);
    }
  }

  /** News of the folder that is open: UIDNEXT is told when it is opened alone. */
  private async newest(folder: string, { validity, uid }: Place): Promise<View> {
    this.looked.set(folder, performance.now());
    return { validity, next: Math.max(await this.top(), uid) + 1, modseq: null };
  }

  private async top(): Promise<number> {
    const last = await this.client.fetchOne('*', { uid: true });
    return last ? last.uid : 0;
  }

  private refusal(error: unknown, folder: string): unknown {
    const { responseStatus, code } = error as { responseStatus?: string; code?: string };
    if (!this.client.usable || (responseStatus !== 'NO' && code !== 'NotFound')) return error;
    return new FolderRefused(`the mail server does not open the folder "${folder}"`);
  }
}

function same({ validity, next, modseq }: View, place: Place): boolean {
  const back = modseq !== null && place.modseq !== undefined && modseq < BigInt(place.modseq);
  return validity === place.validity && next === place.uid + 1 && !back;
}
