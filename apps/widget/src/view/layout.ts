import type { ChatState, Outgoing, PendingFile } from '../engine/store.js';
import type { ChatMessage, Part } from '../engine/wire.js';

export type Mark = 'queued' | 'uploading' | 'sending' | 'failed' | 'sent' | 'delivered' | 'read';

/** A message as the log shows it, stored or not. */
export interface Item {
  key: string;
  id: string | null;
  seq: number;
  from: ChatMessage['from'];
  name: string | null;
  parts: readonly Part[];
  files: readonly PendingFile[];
  at: number;
  mark: Mark;
  outgoing: Outgoing | null;
}

/** A line of the log. `first` and `last`: of a group of the same author within a few minutes. */
export type Row =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'unread'; key: string }
  | { kind: 'item'; key: string; item: Item; first: boolean; last: boolean; newest: boolean };

const GROUP_MS = 4 * 60_000;

/** All messages in the order of the log: what is stored by `seq`, then what waits. */
export function itemsOf({ messages, outgoing }: Pick<ChatState, 'messages' | 'outgoing'>): Item[] {
  return [...messages.map(stored), ...outgoing.map(waiting)];
}

/** The rows of the log. `dividerAfter`: the `seq` after which a person has not read yet; null for no divider. */
export function rowsOf(items: readonly Item[], dividerAfter: number | null): Row[] {
  const rows: Row[] = [];
  const newestMine = [...items].reverse().find((item) => item.from === 'me' && !item.outgoing);
  let divided = dividerAfter === null;
  items.forEach((item, at) => {
    const before = items[at - 1];
    const newDay = !before || day(before.at) !== day(item.at);
    if (newDay) rows.push({ kind: 'day', key: `day:${day(item.at)}`, at: item.at });
    const divides = !divided && item.from !== 'me' && item.seq > dividerAfter!;
    if (divides) rows.push({ kind: 'unread', key: 'unread' });
    divided ||= divides;
    const after = items[at + 1];
    const first = newDay || divides || !together(before, item);
    const last = !after || day(after.at) !== day(item.at) || !together(item, after);
    rows.push({ kind: 'item', key: item.key, item, first, last, newest: item === newestMine });
  });
  return rows;
}

/** The option that was chosen as the answer to the choices or card of message `id`; null while there is none. */
export function chosenOption(items: readonly Item[], { id, seq }: Item, options: readonly string[]): string | null {
  for (const item of items) {
    if (item.from !== 'me' || item.seq < seq) continue;
    for (const part of item.parts) {
      if (part.type !== 'choice' || !options.includes(part.optionId)) continue;
      if (part.messageId === undefined || part.messageId === id) return part.optionId;
    }
  }
  return null;
}

function stored(message: ChatMessage): Item {
  const { id, seq, from, name, parts, status, clientId } = message;
  const rest = { files: [], at: Date.parse(message.at), mark: status, outgoing: null };
  return { key: clientId ?? id, id, seq, from, name, parts, ...rest };
}

function waiting(outgoing: Outgoing): Item {
  const { clientId, parts, files, at, state } = outgoing;
  const common = { key: clientId, id: null, seq: Infinity, from: 'me', name: null } as const;
  return { ...common, parts, files, at, mark: state, outgoing };
}

function together(a: Item | undefined, b: Item): boolean {
  return a?.from === b.from && a.name === b.name && Math.abs(b.at - a.at) < GROUP_MS && b.from !== 'system';
}

function day(at: number): string {
  return new Date(at).toDateString();
}
