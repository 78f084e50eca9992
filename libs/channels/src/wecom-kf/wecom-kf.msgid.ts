import { createHash } from 'node:crypto';

/** Ids of units are `unt_` and 32 hex digits; WeCom takes 32 bytes. */
const UNIT = 'unt_';

/**
 * The `msgid` under which a unit is sent: given by us, so that a failure which WeCom tells later finds its message even where the answer
 * to the call was lost. WeCom takes none twice.
 */
export function msgidOf(unitId: string): string {
  return unitId.startsWith(UNIT) ? unitId.slice(UNIT.length) : unitId;
}

/** The unit that a `msgid` was made of; a `msgid` of somebody else's stays what it is. */
export function unitIdOf(msgid: string): string {
  return /^[0-9a-f]{32}$/.test(msgid) ? `${UNIT}${msgid}` : msgid;
}

/** The `msgid` of what is said in answer to an event: the same whenever the event is read again. */
export function greetingId(event: string): string {
  return `greeting-${createHash('sha256').update(event).digest('hex').slice(0, 23)}`;
}
