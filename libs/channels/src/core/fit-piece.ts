import { ProviderFailure, splitText, type ChoiceOption, type Part } from '#normalizer';
import type { Capabilities } from './capabilities.js';

export interface FitOptions {
  /** Language of the few words that fallbacks need (`[image: ...]`). */
  readonly locale?: string;
  /** A URL under which the customer can fetch a file that the channel cannot carry. */
  readonly fileUrl?: (fileId: string) => string;
  /** `ChannelAdapter.native`: can this very part travel as it is, where its level is `full`? */
  readonly native?: ((part: Part) => boolean) | undefined;
}

/** A part that the channel carries as it is: native, or text within the limit. */
export interface Piece {
  readonly part: Part;
  readonly choiceMap?: readonly ChoiceOption[];
}

/** A part and where it stands in the message (`parts.2`), which is how refusals name it. */
export interface Placed<P extends Part = Part> {
  readonly part: P;
  readonly at: string;
}

/** A text as parts within the channel's limit. */
export function textPieces(text: string, { text: { max, unit } }: Capabilities): Piece[] {
  if (text.trim() === '') return [];
  return splitText(text, max, unit).map((piece) => ({ part: { type: 'text', text: piece } }));
}

export function refuse({ part, at }: Placed, why: string): ProviderFailure {
  return new ProviderFailure('content-refused', `${at} (${part.type}): ${why}`);
}
