import { cleanDeep } from './clean.js';
import { InboundEvent, type SenderHandle } from './inbound.js';
import { InvalidInput, parseWith } from './invalid.js';
import { handleKey, InvalidHandle, normalizeHandle, type NormalizeOptions } from './normalize-handle.js';
import { LIMITS, type Part } from './parts.js';

const STRENGTH = { claimed: 0, channel: 1, verified: 2 } as const;

/** What came through the door: it need not go through again. */
const sound = new WeakSet<InboundEvent>();

/**
 * The only door for what adapters bring in: cleans every string (`cleanText`), checks the shape and `LIMITS`, normalizes the sender's
 * handles and folds equal ones into one with its strongest proof. What it returned before it returns as it is. Throws `InvalidInput`.
 */
export function parseInbound(input: unknown, options: NormalizeOptions = {}): InboundEvent {
  if (sound.has(input as InboundEvent)) return input as InboundEvent;
  const event = parseWith(InboundEvent, cleanDeep(input));
  if ('parts' in event && event.parts) checkSize(event.parts);
  if ('sender' in event) event.sender.handles = normalizeHandles(event.sender.handles, options);
  sound.add(event);
  return event;
}

/** Size of a message: UTF-8 bytes of its parts as JSON. `LIMITS` of single parts leave room for much more than one message may hold. */
export function checkSize(parts: readonly Part[]): void {
  if (Buffer.byteLength(JSON.stringify(parts)) <= LIMITS.messageBytes) return;
  throw new InvalidInput([{ path: 'parts', message: `larger than ${LIMITS.messageBytes} bytes as JSON` }]);
}

function normalizeHandles(handles: readonly SenderHandle[], options: NormalizeOptions): SenderHandle[] {
  const unique = new Map<string, SenderHandle>();
  handles.forEach((raw, i) => {
    const handle = normalizeAt(raw, i, options);
    const key = handleKey(handle);
    const known = unique.get(key);
    if (!known || STRENGTH[handle.proof] > STRENGTH[known.proof]) unique.set(key, handle);
  });
  return [...unique.values()];
}

function normalizeAt(handle: SenderHandle, index: number, options: NormalizeOptions): SenderHandle {
  const { source } = handle;
  try {
    const normal = normalizeHandle(handle, options);
    return source === undefined ? normal : { ...normal, source };
  } catch (error) {
    if (!(error instanceof InvalidHandle)) throw error;
    throw new InvalidInput([{ path: `sender.handles.${index}.value`, message: `expected ${error.expected}` }]);
  }
}
