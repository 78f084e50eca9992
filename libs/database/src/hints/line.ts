/** A connection over which processes hear each other. */
export interface Line {
  /** Says messages to every process on the line, this one included. Rejects where they did not go. */
  say(messages: readonly string[]): Promise<void>;
  /** Hangs up, whether or not the far end is still there. Never throws. */
  drop(): void;
}

export interface LineEvents {
  heard(message: string): void;
  /** The line broke by itself. */
  lost(): void;
}

/** Opens a line. Rejects where it cannot be had within some seconds. */
export type OpenLine = (on: LineEvents) => Promise<Line>;

/** How long opening a line may take, and how long a far end that is said goodbye to may take to hang up. */
export const OPEN_MS = 2_000;
export const FAREWELL_MS = 500;
