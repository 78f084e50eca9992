import { MalformedRequest } from '#transport';

/**
 * A callback as flat texts: `FromUserName`, and `ScanCodeInfo.ScanType` for what is nested. Numbers stay the digits that came, since ids
 * have 64 bits. It has no prototype: no name of a sender's choice means anything but itself.
 */
export type Fields = Readonly<Partial<Record<string, string>>>;

/** Deeper nesting is refused; callbacks have three levels at most. */
export const MAX_DEPTH = 8;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as text. Throws `MalformedRequest` where it is no UTF-8. */
export function textOf(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new MalformedRequest('the body is no UTF-8');
  }
}

/** An empty set of fields to write to. */
export function newFields(): Partial<Record<string, string>> {
  return Object.create(null) as Partial<Record<string, string>>;
}
