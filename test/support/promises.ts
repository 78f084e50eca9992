import { expect } from '@jest/globals';
import type { StreamEvent } from '#normalizer';
import type { Stage } from './stage.js';

/** The lattice of CONTRACT section 3, written down once more. */
const RANKS = ['queued', 'sent', 'failed (outcome-unknown)', 'delivered', 'failed', 'read'];

/**
 * Waits until everything has come to rest, then checks what is promised: every acknowledged message is stored once; the stream of each conversation
 * has no gap; the helpdesk, which takes each id once, has every event, each conversation's in order; replies reached the provider once; no status
 * moved backwards; every signature stood. Returns the stream.
 */
export async function expectPromisesKept(stage: Stage): Promise<StreamEvent[]> {
  const stream = await stage.drained();
  expectStoredOnce(stage, stream);
  expectGapless(stream);
  expectDelivered(stage, stream);
  expectForwardOnly(stream);
  expect(stage.helpdesk.forged).toEqual([]);
  expect(stage.provider.forged).toEqual([]);
  return stream;
}

function expectStoredOnce({ acknowledged }: Stage, stream: readonly StreamEvent[]): void {
  const received = stream.filter(({ type }) => type === 'message.received').map(({ data }) => data!.message!);
  const stored = received.map(({ externalIds, id }) => [externalIds[0], id]);
  const idOf = new Map(stored as [string, string][]);
  const lost = [...acknowledged].filter(([externalId, id]) => idOf.get(externalId) !== id);
  expect(lost).toEqual([]);
  expect(new Set(stored.map(([externalId]) => externalId)).size).toBe(stored.length);
}

function expectGapless(stream: readonly StreamEvent[]): void {
  for (const [conversation, sequences] of byConversation(stream))
    expect([conversation, sequences]).toEqual([conversation, sequences.map((_, index) => index + 1)]);
}

function expectDelivered({ helpdesk }: Stage, stream: readonly StreamEvent[]): void {
  const ids = (events: readonly StreamEvent[]) => events.map(({ id }) => id).sort();
  expect(ids(helpdesk.events)).toEqual(ids(stream));
  for (const [conversation, sequences] of helpdesk.sequences)
    expect([conversation, sequences]).toEqual([conversation, sequences.map((_, index) => index + 1)]);
}

function expectForwardOnly(stream: readonly StreamEvent[]): void {
  const reached = new Map<string, number>();
  for (const { data } of stream) {
    const message = data?.message;
    if (message?.direction !== 'outbound') continue;
    const unknown = message.failure?.code === 'outcome-unknown';
    const rank = RANKS.indexOf(unknown ? `${message.status} (outcome-unknown)` : message.status);
    expect(rank).toBeGreaterThan(reached.get(message.id) ?? -1);
    reached.set(message.id, rank);
  }
}

function byConversation(stream: readonly StreamEvent[]): Map<string, (number | null)[]> {
  const found = new Map<string, (number | null)[]>();
  for (const { data, sequence } of stream) {
    const id = data?.conversation?.id;
    if (id !== undefined && sequence !== null) found.set(id, [...(found.get(id) ?? []), sequence]);
  }
  return found;
}
