import { createHmac } from 'node:crypto';
import { base32 } from './base32.js';

/** The header by which a mail that comes back is known to be our own, whatever became of its other headers. */
export const LOOP_HEADER = 'X-Tributary-Loop';

/** Its value: says nothing to others, and nobody can make it. */
export function loopMark({ secret, accountId }: { readonly secret: string; readonly accountId: string }): string {
  return base32(
    createHmac('sha256', secret)
      .update(JSON.stringify(['loop mark', accountId]))
      .digest(),
    16,
  );
}
