import { capabilitiesOf } from '#channels';
import { layNotice, type ChannelDirectory } from '#conversations';
import type { Sql } from '#database';
import { Codes, type CodeRequest } from '#identity';
import { normalizeHandle, ProviderFailure, type Handle, type Part } from '#normalizer';
import { Injectable } from '@nestjs/common';
import type { Directory, RunningAccount } from '../directory/index.js';
import { codeWords } from './code-words.js';

/** What of `identity` and `identity.codes` of the settings is needed here. */
export interface CodeSettings {
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  readonly name?: string | undefined;
  /** Of codes to phone numbers, in place of a text. */
  readonly template?: { readonly name: string; readonly value: string } | undefined;
  /** Of phone numbers that are written without their country code. */
  readonly country?: string | undefined;
}

export interface VerificationParts {
  readonly directory: Pick<Directory, 'account' | 'accounts'>;
  readonly channels: ChannelDirectory;
  readonly codes: Codes;
  readonly settings: CodeSettings;
}

export interface Wish extends Omit<CodeRequest, 'accountId'> {
  /** The account that is to send it; else as the settings say. */
  readonly accountId?: string | undefined;
  /** Language of the message, BCP 47. */
  readonly locale?: string | undefined;
}

/** What who asked is told: the same for every handle. */
export type Told =
  | { readonly outcome: 'asked'; readonly id: string; readonly expiresAt: Date }
  | { readonly outcome: 'refused'; readonly retryAfterMs: number };

/** Sends one-time codes to addresses that people claim, through the accounts that can write to them. */
@Injectable()
export class Verifications {
  constructor(private readonly parts: VerificationParts) {}

  /** What is known of codes: for whoever looks at what was typed. */
  get codes(): Codes {
    return this.parts.codes;
  }

  /** An address as people write it, in the form in which it is compared. Throws `InvalidHandle`. */
  normalize({ scheme, value }: { scheme: string; value: string }): Handle {
    const { country } = this.parts.settings;
    return normalizeHandle(
      { scheme, value, proof: 'claimed' },
      country === undefined ? {} : { defaultCountry: country },
    );
  }

  /**
   * The account over which a code goes to addresses of a scheme: the one that is asked for, else the one that the settings name, else the first that can begin a
   * conversation with them, the `http` channel last. Undefined where there is none.
   */
  accountFor(scheme: string, asked?: string): string | undefined {
    const { directory, settings } = this.parts;
    const named = asked ?? (scheme === 'email' || scheme === 'phone' ? settings[scheme] : undefined);
    const able = (account: RunningAccount | undefined): account is RunningAccount =>
      account !== undefined &&
      account.enabled &&
      account.adapter.send !== undefined &&
      capabilitiesOf(account).initiate.includes(scheme);
    if (named !== undefined) {
      const account = directory.account(named);
      return able(account) ? account.id : undefined;
    }
    const accounts = directory.accounts().filter(able);
    return (accounts.find(({ type }) => type !== 'http') ?? accounts[0])?.id;
  }

  /**
   * Sends a code to a handle, inside the caller's transaction; say `database.hint('outbox')` once it is committed. The work and the answer are the same whoever has
   * the handle, and whether or not the code leaves. Throws `ProviderFailure` where no account can send to such handles at all (`config-invalid`), or the account cannot carry a code (`content-refused`).
   */
  async ask(sql: Sql, { locale, accountId: asked, ...wish }: Wish): Promise<Told> {
    const { codes, channels, settings } = this.parts;
    const accountId = this.accountFor(wish.handle.scheme, asked);
    if (accountId === undefined)
      throw new ProviderFailure(
        'config-invalid',
        `no account can send codes to addresses of the scheme ${wish.handle.scheme}`,
      );
    const made = await codes.ask(sql, { ...wish, accountId });
    if (made.outcome === 'refused') return made;
    const { id, code, expiresAt, wanted } = made;
    const to: Handle = { ...wish.handle, scope: '', proof: 'claimed' };
    const { subject, text } = codeWords(code, { ...(locale !== undefined && { locale }), name: settings.name });
    const template = to.scheme === 'phone' ? settings.template : undefined;
    const part: Part = template
      ? { type: 'template', name: template.name, values: { [template.value]: code } }
      : { type: 'text', text };
    await layNotice(sql, channels, { accountId, to, parts: [part], subject, expiresAt, wanted });
    return { outcome: 'asked', id, expiresAt };
  }
}
