import { demandVisibleContact, Files, NotFound } from '#conversations';
import type { Sql } from '#database';
import type { FirstMessageInput, Part, ReplyInput } from '#normalizer';
import { Inject, Injectable } from '@nestjs/common';
import { Directory } from '../directory/directory.js';
import { maySee, type Caller } from './core/scopes.js';

type Outgoing = Partial<ReplyInput & FirstMessageInput>;

/** What a key that is limited to accounts may name in a message: nothing of other accounts, which for it do not exist. */
@Injectable()
export class Reach {
  constructor(
    @Inject(Directory) private readonly directory: Directory,
    @Inject(Files) private readonly files: Files,
  ) {}

  /** Throws `NotFound` where the message names something out of the caller's reach. */
  async demand(sql: Sql, caller: Caller, message: Outgoing): Promise<void> {
    if (!caller.accounts) return;
    const { accountId, via, fallback, to, parts } = message;
    if (accountId !== undefined) this.demandAccount(caller, accountId);
    if (via && 'accountId' in via) this.demandAccount(caller, via.accountId);
    for (const way of fallback ?? []) {
      if ('accountId' in way) this.demandAccount(caller, way.accountId);
      else this.demandChannel(caller, way.channel);
    }
    if (to && 'contactId' in to) await demandVisibleContact(sql, to.contactId, caller.accounts);
    await this.demandFiles(sql, caller, fileIds(parts ?? []));
  }

  private demandAccount(caller: Caller, accountId: string): void {
    if (!maySee(caller, accountId)) throw new NotFound(`there is no account ${accountId}`);
  }

  /** A channel stands for all of its accounts. */
  private demandChannel(caller: Caller, channel: string): void {
    const others = this.directory.accounts().some(({ type, id }) => type === channel && !maySee(caller, id));
    if (others)
      throw new NotFound(`name the account to fall back to: the channel ${channel} has others than this key can see`);
  }

  private async demandFiles(sql: Sql, caller: Caller, ids: readonly string[]): Promise<void> {
    for (const { id, accountId } of await this.files.find(ids, sql)) {
      if (accountId !== null && !maySee(caller, accountId)) throw new NotFound(`there is no file ${id}`);
    }
  }
}

function fileIds(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => {
    const media = part.type === 'card' ? part.media : part;
    return media?.type === 'media' && media.fileId ? [media.fileId] : [];
  });
}
