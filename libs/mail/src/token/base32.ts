const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** The first `characters * 5` bits of `bytes` in base32 (RFC 4648), lower case: mail hosts may fold the case of an address. */
export function base32(bytes: Buffer, characters: number): string {
  let text = '';
  let [bits, held] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5 && text.length < characters; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return text;
}

/** A number below 32^`characters` in as many characters. */
export function base32Number(value: number, characters: number): string {
  const digits = Array.from({ length: characters }, (_, i) => ALPHABET[(value >>> (5 * (characters - 1 - i))) & 31]);
  return digits.join('');
}

/** The number that `base32Number` wrote. */
export function readBase32Number(text: string): number {
  return [...text].reduce((value, digit) => value * 32 + ALPHABET.indexOf(digit), 0);
}

/** The octets of which `base32` made a text; what is left of the last one is zeros. */
export function fromBase32(text: string): Buffer {
  const octets: number[] = [];
  let [bits, held] = [0, 0];
  for (const digit of text) {
    held = ((held << 5) | ALPHABET.indexOf(digit)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets.push((held >>> bits) & 255);
  }
  return Buffer.from(octets);
}
