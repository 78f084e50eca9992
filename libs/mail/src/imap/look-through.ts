import type { ImapFlow } from 'imapflow';
import { ProviderFailure } from '#normalizer';
import type { MailContext } from '../context.js';
import { settle, touches } from './afterwards.js';
import { endOf, leave, openImap } from './connection.js';
import { FolderRefused, Folders } from './folders.js';
import { placeIn, type Place, type Position } from './place.js';
import { readOn, type MailReader } from './read-on.js';

/** What there was in the folders of a mailbox since a position. */
export interface LookedThrough<T> {
  readonly found: readonly T[];
  /** To be kept with what was found. */
  readonly position: Position;
  /** There is more, or may be. */
  readonly more: boolean;
}

/**
 * Looks through all folders once, a page of each, over a connection of its own: for whoever asks at intervals and keeps the position. What is stored
 * by then is marked and moved first, as the settings say. A position without a folder begins there as the settings say (`since`). A mail that cannot
 * be fetched holds up its folder for a few rounds, and no other. Throws `ProviderFailure`.
 */
export async function lookThrough<T>(
  position: Position,
  ctx: MailContext,
  reader: MailReader<T>,
): Promise<LookedThrough<T>> {
  const { imap } = ctx.config;
  const client = await openImap(ctx);
  try {
    const folders = new Folders(client, { ...imap, pollS: 0 });
    const round = new Round(client, folders, { ...ctx, reader });
    const refused: string[] = [];
    for (const folder of imap.folders) {
      try {
        await round.page(folder, position[folder]);
      } catch (error) {
        if (!(error instanceof FolderRefused)) throw error;
        refused.push(error.message);
      }
    }
    if (refused.length === imap.folders.length) throw new ProviderFailure('config-invalid', refused.join('; '));
    return { found: round.found, position: { ...position, ...round.places }, more: round.more };
  } catch (error) {
    throw endOf(client, error);
  } finally {
    await leave(client);
  }
}

class Round<T> {
  readonly found: T[] = [];
  readonly places: Record<string, Place> = {};
  more = false;

  constructor(
    private readonly client: ImapFlow,
    private readonly folders: Folders,
    private readonly ctx: MailContext & { readonly reader: MailReader<T> },
  ) {}

  async page(folder: string, before: Place | undefined): Promise<void> {
    const { imap } = this.ctx.config;
    const view = await this.folders.look(folder, before);
    if (!view) return;
    const { due, ...place } = placeIn(view, before, { since: imap.since, now: this.ctx.now() });
    // What hinders it is tried again with the next mail.
    if (due && place.validity === before?.validity) await settle(this.client, due, imap);
    const step = await readOn(this.client, { folder, view, place }, this.ctx);
    if (!step) {
      this.places[folder] = place;
      return;
    }
    this.found.push(...step.found);
    this.places[folder] = { ...step.place, ...(touches(imap) && step.uids.length > 0 && { due: step.uids }) };
    this.more ||= step.failed === undefined;
  }
}
