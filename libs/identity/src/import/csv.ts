import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidInput } from '#normalizer';
import { CsvError, parse } from 'csv-parse';

/** Longest row, in UTF-16 units. Beyond it a quote was opened and never closed, and the rest of the file would be one cell. */
const MAX_RECORD = 4_194_304;
const DELIMITERS = [',', ';', '\t'] as const;
/** A header that is longer has no end. */
const MAX_HEADER = 1_048_576;

export interface CsvRow {
  /** As a spreadsheet counts: the header is row 1. */
  readonly row: number;
  readonly cells: readonly string[];
}

/**
 * The rows of a CSV file (RFC 4180, and what is made of it: `;` or tabs between cells, LF, CR, stray quotes, rows that are too short). The first one
 * is the header. Throws `InvalidInput` where a quote that is opened never closes, since nobody knows what is a row from there on.
 */
export async function* readCsv(text: AsyncIterable<string>): AsyncGenerator<CsvRow> {
  const { head, rest } = await firstLine(text);
  const parser = parse({
    delimiter: delimiterOf(head),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: false,
    max_record_size: MAX_RECORD,
  });
  const feeding = pipeline(Readable.from(rest), parser).catch(() => undefined);
  let row = 0;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) yield { row: (row += 1), cells };
  } catch (error) {
    throw error instanceof CsvError ? unreadable(error) : error;
  } finally {
    parser.destroy();
    await feeding;
  }
}

async function firstLine(text: AsyncIterable<string>): Promise<{ head: string; rest: AsyncIterable<string> }> {
  const chunks = text[Symbol.asyncIterator]();
  let head = '';
  for (let next = await chunks.next(); ; next = await chunks.next()) {
    if (!next.done) head += next.value;
    if (next.done || /[\r\n]/.test(head) || head.length > MAX_HEADER) break;
  }
  async function* rest(): AsyncGenerator<string> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head: head.split(/[\r\n]/, 1)[0]!, rest: rest() };
}

function delimiterOf(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

function unreadable(error: CsvError): Error {
  const row = Number(error.records) + 1;
  const isOpen = error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE';
  const message = isOpen
    ? `row ${row}: a quote is opened that never closes, or the row is longer than ${MAX_RECORD} characters; nothing was imported`
    : `row ${row} cannot be read as CSV; nothing was imported`;
  return new InvalidInput([{ path: 'file', message }]);
}
