/** Bytes of a line of base64 with its end, and of what it holds. */
const LINE = { encoded: 78, held: 57 };
/** Headers of a mail and those of a part, generously. */
const HEAD = 4_096;
const PART_HEAD = 1_024;

/** Bytes of a file of so many bytes as it travels: base64 in lines, below headers of its own. */
export function encodedBytes(bytes: number): number {
  return Math.ceil(bytes / LINE.held) * LINE.encoded + PART_HEAD;
}

/** Bytes of texts as they travel, at most twice what they are. */
export function textBytes(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + 2 * Buffer.byteLength(text) + PART_HEAD, HEAD);
}

/** The largest file for which a mail of so many bytes has room, beside a short text. */
export function attachmentBytes(mailBytes: number): number {
  return Math.max(1, Math.floor((mailBytes - 2 * HEAD - 2 * PART_HEAD) / LINE.encoded) * LINE.held);
}
