import { expect, it } from '@jest/globals';
import { DeliveryRefused } from '#helpdesk';
import type { RunningDestination } from '../directory/index.js';
import { reconcile, type Reconciling } from './reconcile.js';

const ids = ['cnv_1', 'cnv_2', 'cnv_3'];
const parts = {
  deliveries: {
    taken: async (_id: string, { after }: { after: string }) => ({
      conversations: ids
        .filter((id) => id > after)
        .map((id) => [
          {
            id: `evt_${id}`,
            type: 'message.received',
            created_at: new Date(0),
            data: { conversation: { id, references: [] } },
          },
        ]),
      next: null,
    }),
  },
  directory: { connectorContext: () => ({}) },
  signUrl: (fileId: string) => fileId,
} as unknown as Reconciling;
const ask = (after: string, most: number) => {
  let asked = 0;
  const missing = async () => {
    if ((asked += 1) > most) throw new DeliveryRefused(429, 'answered 429', 7_000);
    return null;
  };
  const destination = { id: 'hd', connector: { missing } } as unknown as RunningDestination;
  const signal = new AbortController().signal;
  return reconcile(parts, destination, { from: '', to: '', after, limit: 20, signal });
};

it('keeps what was found where the ticket system wants no more questions, and goes on from there', async () => {
  const first = await ask('', 2);
  expect(first).toMatchObject({ checked: 2, next: 'cnv_2', items: [{ conversationId: 'cnv_1' }, {}] });
  expect(await ask(first.next!, 2)).toMatchObject({
    ...{ checked: 1, next: null },
    items: [{ conversationId: 'cnv_3', problem: 'no-ticket' }],
  });
  await expect(ask('', 0)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 7_000 });
});
