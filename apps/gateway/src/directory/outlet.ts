import { capabilitiesOf, fit } from '#channels';
import type { AccountRules, ChannelDirectory } from '#conversations';
import { type FittedUnit, type Part, ProviderFailure } from '#normalizer';
import { Injectable } from '@nestjs/common';
import { FileUrls } from '#conversations';
import { Directory } from './directory.js';
import type { RunningAccount } from './running.js';

/** The store's view of channels: fits messages and tells the rules by the accounts that run here. */
@Injectable()
export class Outlet implements ChannelDirectory {
  constructor(
    private readonly directory: Directory,
    private readonly urls: FileUrls,
  ) {}

  fit(
    accountId: string,
    message: { parts: readonly Part[]; subject?: string; replyTo?: string },
    to?: string,
  ): FittedUnit[] {
    const account = this.directory.account(accountId);
    if (!account) throw new ProviderFailure('config-invalid', `there is no account ${accountId}`);
    const { adapter, config } = account;
    const fileUrl = (fileId: string) => this.urls.sign(fileId);
    const units = fit(message, capabilitiesOf(account, to), { fileUrl, native: adapter.native?.bind(adapter) });
    if (to !== undefined) for (const unit of units) adapter.admit?.(unit, to, config);
    return units;
  }

  rules(accountId: string, to?: string): AccountRules | undefined {
    const account = this.directory.account(accountId);
    if (!account) return undefined;
    const { ingress, type } = account.adapter;
    const capabilities = capabilitiesOf(account, to);
    const refusal = to === undefined ? undefined : refusalOfText(account, to);
    const levels = {
      text: 'full',
      media: Object.keys(capabilities.media).length > 0 ? 'full' : 'fallback',
      html: capabilities.html,
      choices: capabilities.choices.level,
      location: capabilities.location,
      'contact-card': capabilities.contactCard,
      link: capabilities.link,
      card: capabilities.card,
      template: capabilities.template,
    };
    return {
      type,
      enabled: account.enabled,
      hosted: ingress.hosted === true,
      window: capabilities.window,
      initiate: capabilities.initiate,
      namesLast: capabilities.replyTo === 'always',
      subject: capabilities.subject,
      automaticPerHour: capabilities.automaticPerHour,
      ...(refusal && refusal.code !== 'content-refused' && { refusal }),
      parts: partsOf(levels, refusal),
      limits: { text: capabilities.text, media: capabilities.media, rate: capabilities.rate },
    };
  }

  accountsOf(type: string): readonly string[] {
    return this.directory
      .accounts()
      .filter((account) => account.adapter.type === type && account.enabled)
      .map(({ id }) => id);
  }
}

/** Where text is refused nothing is left of what falls back to it, and nothing at all where that is no matter of its content. */
function partsOf(levels: Readonly<Record<string, string>>, refusal: ProviderFailure | undefined): string[] {
  const parts = Object.keys(levels);
  if (!refusal) return parts.filter((part) => levels[part] !== 'refused');
  return refusal.code === 'content-refused' ? parts.filter((part) => part !== 'text' && levels[part] === 'full') : [];
}

/** Why plain text cannot go to this recipient at all; undefined where it can. */
function refusalOfText({ adapter, config }: RunningAccount, to: string): ProviderFailure | undefined {
  const text = 'a';
  try {
    adapter.admit?.({ index: 0, count: 1, parts: [{ type: 'text', text }], text }, to, config);
    return undefined;
  } catch (error) {
    if (error instanceof ProviderFailure) return error;
    throw error;
  }
}
