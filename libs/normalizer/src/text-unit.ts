import { z } from 'zod';
import { septets } from './gsm7.js';

/** Units in which providers count text: 600 Chinese characters are 1,800 UTF-8 bytes and 600 UTF-16 units. */
export const TextUnit = z.enum(['utf8-bytes', 'utf16', 'code-points', 'gsm7']).meta({ id: 'TextUnit' });
export type TextUnit = z.infer<typeof TextUnit>;

/** What one code point can cost at most: no limit below this can hold every character. */
export const WIDEST: Readonly<Record<TextUnit, number>> = { 'utf8-bytes': 4, utf16: 2, 'code-points': 1, gsm7: 4 };

/**
 * Counts text as it grows. `gsm7` counts septets (extension characters 2); with the first character outside that alphabet the text
 * travels as UCS-2, and all of its UTF-16 units count 16/7 septets, rounded down: so 160 holds 70 and 153 holds 67, as in a segment.
 */
export class TextMeter {
  private total = 0;
  private utf16 = 0;
  private ucs2 = false;

  constructor(private readonly unit: TextUnit) {}

  /** Adds one code point and returns the measure of all the text so far; never less than before. */
  add(codePoint: number): number {
    this.utf16 += codePoint > 0xffff ? 2 : 1;
    if (this.unit === 'gsm7') return this.addSeptets(codePoint);
    if (this.unit === 'utf16') return this.utf16;
    this.total += this.unit === 'code-points' ? 1 : utf8Width(codePoint);
    return this.total;
  }

  private addSeptets(codePoint: number): number {
    const cost = septets(codePoint);
    this.total += cost;
    this.ucs2 ||= cost === 0;
    return this.ucs2 ? Math.floor((this.utf16 * 16) / 7) : this.total;
  }
}

function utf8Width(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Length of a text in a unit, as `TextMeter` counts. Linear. */
export function measure(text: string, unit: TextUnit): number {
  if (unit === 'utf16') return text.length;
  if (unit === 'utf8-bytes') return Buffer.byteLength(text);
  const meter = new TextMeter(unit);
  let length = 0;
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i) ?? 0;
    length = meter.add(codePoint);
    i += codePoint > 0xffff ? 2 : 1;
  }
  return length;
}
