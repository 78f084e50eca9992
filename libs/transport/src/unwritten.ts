import { channel } from 'node:diagnostics_channel';

/** Where every unwritten step that is met is told, whoever catches its error: the conformance suites listen. */
export const unwrittenSteps = channel('tributary:unwritten');

/** A step that the scaffold of an adapter or connector left to its author. */
export class Unwritten extends Error {
  override readonly name = 'Unwritten';
}

/**
 * Stands where something is still to be written: `where` is the file, `what` says what belongs there. A check of the conformance suite that meets
 * it fails with these words alone. Throws `Unwritten`.
 */
export function unwritten(where: string, what: string): never {
  const step = new Unwritten(`next, in ${where}: ${what}`);
  unwrittenSteps.publish(step);
  throw step;
}
