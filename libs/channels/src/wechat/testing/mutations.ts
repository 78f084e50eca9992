/** What XML and JSON are made of. */
const TOKENS = ['<', '>', '</', '/>', '<![CDATA[', ']]>', '<!DOCTYPE', '<!ENTITY', '&#x41;', '&', '"', '\\', '{', '}', '[', ':', '\0', '\uFEFF', '<xml>', '</xml>', '<MsgType>', 'event', '__proto__', '9'.repeat(30)].map((token) => Buffer.from(token)); // prettier-ignore

/** Mulberry32: the same bodies in every run of a seed. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A body with one to four changes: bytes, cuts, repeats, tokens, parts of other `seeds`; never longer than `maxBytes`. */
export function mutated(
  body: Buffer,
  chance: () => number,
  { seeds, maxBytes }: { readonly seeds: readonly Buffer[]; readonly maxBytes: number },
): Buffer {
  const pick = (below: number): number => Math.floor(chance() * below);
  let bytes = Buffer.from(body);
  for (let changes = 1 + pick(4); changes > 0; changes -= 1) {
    const at = pick(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + pick(40));
    const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    const kinds = [
      () => [before, Buffer.from([pick(256)]), bytes.subarray(Math.min(at + 1, bytes.length))],
      () => [before, after],
      () => [before, middle, middle, after],
      () => [before, TOKENS[pick(TOKENS.length)]!, bytes.subarray(at)],
      () => [after, middle, before],
      () => [before, seeds[pick(seeds.length)]!.subarray(pick(50)), bytes.subarray(at)],
    ];
    bytes = Buffer.concat(kinds[pick(kinds.length)]!()).subarray(0, maxBytes);
  }
  return bytes;
}
