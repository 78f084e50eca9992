import { InvalidInput } from '#normalizer';
import { readHeader, type UnknownColumns } from './columns.js';
import { readCsv } from './csv.js';
import { decodeText } from './decode.js';
import { checkRow, type RawRow, type ReadyRow, type RowOptions } from './row.js';
import { rowRecord } from './table.js';

export type ImportFormat = 'csv' | 'ndjson';

export interface ReadOptions extends RowOptions {
  readonly unknown?: UnknownColumns | undefined;
}

/** Longest line of NDJSON, in UTF-16 units. */
const MAX_LINE = 4_194_304;

/** The checked rows of a file, one after the other, whatever its size. Throws `InvalidInput` where it cannot be read as what it is said to be. */
export async function* readRows(
  bytes: AsyncIterable<Uint8Array>,
  format: ImportFormat,
  options: ReadOptions,
): AsyncGenerator<ReadyRow> {
  const raw = format === 'csv' ? table(decodeText(bytes), options) : lines(decodeText(bytes));
  for await (const row of raw) yield checkRow(row, options);
}

/** The checked rows of a list that is in memory. They are counted from 1. */
export function* readItems(items: readonly unknown[], options: ReadOptions): Generator<ReadyRow> {
  let row = 0;
  for (const item of items) yield checkRow(itemRow((row += 1), item), options);
}

async function* table(text: AsyncIterable<string>, { kind, unknown }: ReadOptions): AsyncGenerator<RawRow> {
  let columns: ReturnType<typeof readHeader> | undefined;
  for await (const { row, cells } of readCsv(text)) {
    if (!columns) columns = readHeader(kind, cells, unknown);
    else {
      const record = rowRecord(row, cells, columns);
      if (record) yield record;
    }
  }
  if (!columns)
    throw new InvalidInput([{ path: 'file', message: 'expected a header in the first row; the file is empty' }]);
}

async function* lines(text: AsyncIterable<string>): AsyncGenerator<RawRow> {
  let rest = '';
  let row = 0;
  for await (const chunk of text) {
    const found = (rest + chunk).split('\n');
    rest = found.pop() ?? '';
    if (rest.length > MAX_LINE)
      throw new InvalidInput([{ path: 'file', message: `line ${row + found.length + 1} has no end` }]);
    for (const line of found) {
      row += 1;
      if (line.trim() !== '') yield lineRow(row, line);
    }
  }
  if (rest.trim() !== '') yield lineRow(row + 1, rest);
}

function lineRow(row: number, line: string): RawRow {
  try {
    return itemRow(row, JSON.parse(line) as unknown);
  } catch {
    return { row, record: {}, errors: [{ column: null, message: 'expected one JSON object' }] };
  }
}

function itemRow(row: number, item: unknown): RawRow {
  return typeof item === 'object' && item !== null && !Array.isArray(item)
    ? { row, record: item as Record<string, unknown> }
    : { row, record: {}, errors: [{ column: null, message: 'expected one JSON object' }] };
}
