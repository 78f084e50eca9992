import { webchat, type WebchatConfig } from '#channels';
import type { Directory } from '../directory/index.js';

/** A web chat account that runs. */
export interface ChatAccount {
  readonly id: string;
  readonly config: WebchatConfig;
}

/** The account, if it is a web chat and enabled. */
export function chatAccount(directory: Pick<Directory, 'account'>, id: string): ChatAccount | undefined {
  const account = directory.account(id);
  if (!account?.enabled || account.type !== webchat.type) return undefined;
  return { id: account.id, config: account.config as WebchatConfig };
}
