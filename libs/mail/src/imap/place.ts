/** Where a folder was read to. All of it is committed with the mail up to there. */
export interface Place {
  /** The UIDVALIDITY under which `uid` counts. */
  readonly validity: string;
  /** Mail up to here is stored, or none of ours. */
  readonly uid: number;
  /** What arrived earlier is none of ours, milliseconds since the epoch. */
  readonly since: number;
  /** When the newest mail arrived that is stored, milliseconds since the epoch. */
  readonly newest: number;
  /** Below `until` the folder is looked through for mail that arrived since: at first, and when the server numbered it anew. */
  readonly anew?: { readonly until: number; readonly since: number };
  /** HIGHESTMODSEQ, where the server has it: when it goes back, the server was restored from a copy. */
  readonly modseq?: string;
  /** Mail that is stored and may have to be marked or moved yet. */
  readonly due?: readonly number[];
  /** A mail that could not be fetched, and how often. */
  readonly failing?: { readonly uid: number; readonly times: number };
}

/** By folder. */
export type Position = Readonly<Record<string, Place>>;

/** A folder as the server shows it. */
export interface View {
  readonly validity: string;
  /** UIDNEXT: what comes gets this number, or a higher one. */
  readonly next: number;
  readonly modseq: bigint | null;
}

/** The server's clock may be behind ours. */
const SKEW_MS = 3_600_000;
/** Mail that was under way when the server numbered anew. */
const OVERLAP_MS = 86_400_000;

export function readPosition(cursor: string | null): Position {
  return cursor === null ? {} : (JSON.parse(cursor) as Position);
}

export function writePosition(position: Position): string {
  return JSON.stringify(position);
}

/** Where to read a folder on: as before, or from the beginning where its numbers mean something else than before. */
export function placeIn(view: View, before: Place | undefined, { since, now }: { since: string; now: number }): Place {
  if (!before) return since === 'now' ? here(view, now) : from(view, Date.parse(since));
  if (!renumbered(view, before)) return before;
  const { since: earliest, newest } = before;
  return { ...from(view, Math.max(earliest, newest - OVERLAP_MS)), since: earliest, newest };
}

/**
 * Do the numbers mean something else now? Yes under another UIDVALIDITY (RFC 3501 section 2.3.1.1), and where UIDNEXT or HIGHESTMODSEQ
 * (RFC 7162), which only grow, went back: the server was restored from a copy.
 */
function renumbered({ validity, next, modseq }: View, before: Place): boolean {
  if (validity !== before.validity || next <= before.uid) return true;
  return modseq !== null && before.modseq !== undefined && modseq < BigInt(before.modseq);
}

function here({ validity, next, modseq }: View, now: number): Place {
  return { validity, uid: next - 1, since: now - SKEW_MS, newest: now, ...noted(modseq) };
}

function from({ validity, next, modseq }: View, since: number): Place {
  const anew = { until: next, since };
  return { validity, uid: 0, since, newest: since, ...(next > 1 && { anew }), ...noted(modseq) };
}

function noted(modseq: bigint | null) {
  return modseq === null ? {} : { modseq: String(modseq) };
}

/** The place once everything up to `through` is done. */
export function advanced(
  { anew, failing: _over, due: _done, ...place }: Place,
  { through, newest = 0, modseq = null }: { through: number; newest?: number; modseq?: bigint | null },
): Place {
  return {
    ...place,
    ...{ uid: through, newest: Math.max(place.newest, newest) },
    ...(anew && through + 1 < anew.until && { anew }),
    ...noted(modseq ?? (place.modseq === undefined ? null : BigInt(place.modseq))),
  };
}
