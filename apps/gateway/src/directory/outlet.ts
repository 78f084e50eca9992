import { capabilitiesOf, fit } from '#channels';
import type { AccountRules, ChannelDirectory } from '#conversations';
import { type FittedUnit, type Part, ProviderFailure } from '#normalizer';
import { Injectable } from '@nestjs/common';
import { FileUrls } from '#conversations';
import { Directory } from './directory.js';

/** The store's view of channels: fits messages and tells the rules by the accounts that run here. */
@Injectable()
export class Outlet implements ChannelDirectory {
  constructor(
    private readonly directory: Directory,
    private readonly urls: FileUrls,
  ) {}

  fit(accountId: string, message: { parts: readonly Part[]; subject?: string; replyTo?: string }): FittedUnit[] {
    const account = this.directory.account(accountId);
    if (!account) throw new ProviderFailure('config-invalid', `there is no account ${accountId}`);
    const { adapter } = account;
    const fileUrl = (fileId: string) => this.urls.sign(fileId);
    return fit(message, capabilitiesOf(account), { fileUrl, native: adapter.native?.bind(adapter) });
  }

  rules(accountId: string): AccountRules | undefined {
    const account = this.directory.account(accountId);
    if (!account) return undefined;
    const { ingress, type } = account.adapter;
    const capabilities = capabilitiesOf(account);
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
      parts: Object.keys(levels).filter((part) => levels[part as keyof typeof levels] !== 'refused'),
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
