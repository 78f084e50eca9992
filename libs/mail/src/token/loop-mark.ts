import { createHmac } from 'node:crypto';
import type { Mailbox } from '../settings.js';
import { base32 } from './base32.js';
import { replySecretOf, type SecretSettings } from './reply-secret.js';

/** The header by which a mail that comes back is known to be our own, whatever became of its other headers. */
export const LOOP_HEADER = 'X-Tributary-Loop';

/** The header in which mail to a ticket system names the conversation. Where a channel gets such mail, a gateway writes to a gateway. */
export const CONVERSATION_HEADER = 'X-Tributary-Conversation';

/** The value of `LOOP_HEADER` for a mailbox: says nothing to others, and nobody can make it. */
export function loopMark(config: SecretSettings & Pick<Mailbox, 'address'>): string {
  const said = JSON.stringify(['loop mark', config.address]);
  return base32(createHmac('sha256', replySecretOf(config)).update(said).digest(), 16);
}
