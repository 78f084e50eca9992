import type { MediaKind } from '#normalizer';
import type { Canonical } from './dkim/canonical.js';
import type { Report } from './report.js';

/** What the thread is told of a mail beside its octets. */
export interface ReadRequest {
  readonly task: 'read';
  readonly answers: boolean;
  readonly forwards: boolean;
  /** How the body is to be hashed, for whoever verifies a signature. */
  readonly hashes?: readonly Canonical[];
}

/** A file of a mail, by the place at which it is found again. */
export interface MailFile {
  readonly index: number;
  readonly kind: MediaKind;
  readonly mimeType: string;
  readonly name: string;
  readonly bytes: number;
  readonly contentId?: string;
  /** The html that is kept shows it. */
  readonly inline: boolean;
}

/** What a mail says, as the thread read it. */
export interface Reading {
  readonly text: string;
  /** Safe html of what was newly written, where the mail has html. */
  readonly html?: string;
  readonly quoted: string;
  /** Something that could be seen was taken away: the original is to be kept. */
  readonly changed: boolean;
  readonly files: readonly MailFile[];
  /** What cannot be read, such as encrypted text. */
  readonly unsupported: readonly string[];
  readonly report?: Report;
  readonly hashes?: Partial<Record<Canonical, string>>;
}

/** A file of a mail with its octets. */
export interface OpenedFile {
  readonly mimeType: string;
  readonly name: string;
  readonly content: Uint8Array;
}
