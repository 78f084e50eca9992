import type { Handle, Part } from '#normalizer';
import type { EventItem, IntakeItem } from './item.js';

/**
 * Marks the messages of a batch, so that the store does for all at once what is the same for many. Messages of one sender in one thread stand at one `place`,
 * which is looked up for the `first` of them. A `plain` one changes nothing but counters, if its place is known: it comes from one proven handle, brings
 * nothing to fetch, names no member of a group, quotes nothing, says nothing of the conversation, and nothing else than such messages in the batch concerns its thread.
 */
export function arrange(items: readonly IntakeItem[]): readonly IntakeItem[] {
  const places = new Map<string, number>();
  const disturbed = new Set(items.filter(isDisturbing).map(threadOf));
  for (const item of items) {
    if (item.kind !== 'message') continue;
    const [{ scheme, scope, value }] = item['handles'] as [Handle];
    const key = JSON.stringify([item.accountId, item['thread'], scheme, scope, value]);
    const known = places.get(key);
    item.place = known ?? places.size;
    if (known === undefined) {
      item.first = true;
      places.set(key, item.place);
    } else delete item.first;
    item.plain = disturbed.size === 0 || !disturbed.has(threadOf(item));
  }
  return items;
}

function isPlain({
  from,
  handles,
  member,
  files,
  parts,
  replyTo,
  quoted,
  automated,
  metadata,
  window,
  crm,
}: EventItem): boolean {
  const proofs = (handles as Handle[]).map(({ proof }) => proof);
  return (
    from === 'contact' &&
    proofs.length === 1 &&
    proofs[0] === 'channel' &&
    member === undefined &&
    (files as unknown[]).length === 0 &&
    replyTo === undefined &&
    quoted === undefined &&
    automated !== true &&
    metadata === undefined &&
    window === undefined &&
    crm === undefined &&
    !(parts as Part[]).some(({ type }) => type === 'media')
  );
}

function isDisturbing(item: IntakeItem): boolean {
  if (item.kind === 'message') return !isPlain(item);
  return item.kind !== 'receipt' && item.kind !== 'cursor';
}

function threadOf(item: IntakeItem): string {
  return item.kind === 'cursor' ? '' : `${item.accountId}:${String(item['thread'])}`;
}
