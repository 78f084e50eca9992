import type { FakeAnswer } from '#transport/testing';

export interface Attachment {
  readonly id: number;
  readonly transaction: number;
  readonly type: string;
  readonly name: string;
  readonly content: Buffer;
}
export interface Transaction {
  readonly id: number;
  readonly ticket: number;
  readonly type: 'Create' | 'Correspond' | 'Comment' | 'Status' | 'AddLink';
  readonly creator: string;
  readonly created: string;
  readonly from?: string;
  readonly to?: string;
}
export interface Ticket {
  readonly id: number;
  readonly subject: string;
  readonly requestors: string[];
  readonly ccs: string[];
  readonly links: string[];
  readonly fields: Record<string, string>;
  status: string;
  effective: number;
}
export interface Content {
  readonly Content?: string;
  readonly ContentType?: string;
  readonly Attachments?: { FileName: string; FileType: string; FileContent: string }[];
}
export interface Filter {
  readonly field: string;
  readonly value: string;
  readonly operator?: string;
}

export function page<T>(all: readonly T[], query: URLSearchParams): T[] {
  const size = Math.min(100, Number(query.get('per_page') ?? 20));
  const from = (Number(query.get('page') ?? 1) - 1) * size;
  return all.slice(from, from + size);
}

/** RT fails on names of files with characters beyond Latin-1, and refuses files without content. */
export function takes({ Attachments = [] }: Content): boolean {
  return Attachments.every(
    ({ FileName, FileContent }) => FileContent !== '' && [...FileName].every((char) => char.codePointAt(0)! < 256),
  );
}

export function added(transaction: number): FakeAnswer {
  const location = `http://rt.example/REST/2.0/transaction/${transaction}`;
  return { status: 201, headers: { location }, body: ['Correspondence added'] };
}

export function says(status: number, message: string): FakeAnswer {
  return { status, body: { message } };
}
