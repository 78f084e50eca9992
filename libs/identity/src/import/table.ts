import { type Column } from './columns.js';
import type { RawRow, RowFault } from './row.js';

const WORDS: Readonly<Record<string, boolean>> = { true: true, yes: true, y: true, '1': true, 是: true, false: false, no: false, n: false, '0': false, 否: false }; // prettier-ignore
/** What stands between several values in one cell. */
const SEPARATOR = /[;；|\n]/;

/**
 * A row of a table as a record. Empty cells say nothing; several phones, mails, handles or products stand in one cell with `;` or `|` or a line break between
 * them; `contracts` is a JSON list. A row may be shorter than the header, and longer only where nothing stands.
 */
export function rowRecord(row: number, cells: readonly string[], columns: readonly (Column | null)[]): RawRow | null {
  const record: Record<string, unknown> = {};
  const titles = new Map<string, string>();
  const errors: RowFault[] = [];
  let isBlank = true;
  cells.forEach((text, n) => {
    const cell = text.trim();
    if (cell === '') return;
    isBlank = false;
    const column = columns[n];
    if (!column)
      return void errors.push({ column: null, message: `expected nothing in cell ${n + 1}: its column has no name` });
    put(record, titles, { column, cell, errors });
  });
  return isBlank ? null : { row, record, titles, errors: errors.slice(0, 10) };
}

interface Cell {
  readonly column: Column;
  readonly cell: string;
  readonly errors: RowFault[];
}

function put(record: Record<string, unknown>, titles: Map<string, string>, { column, cell, errors }: Cell): void {
  const { title, field, key = '' } = column;
  const wrong = (message: string) => void errors.push({ column: title, message });
  const named = (path: string, value: unknown, at: Record<string, unknown> = record) => {
    at[path.split('.').at(-1)!] = value;
    titles.set(path, title);
  };
  if (field === 'handles') {
    const handles = (record.handles ??= []) as unknown[];
    for (const value of parts(cell)) {
      titles.set(`handles.${handles.length}`, title);
      handles.push({ scheme: column.scheme, scope: column.scope, value });
    }
  } else if (field === 'products') named('products', parts(cell));
  else if (field === 'metadata') {
    Object.defineProperty((record.metadata ??= {}), key, {
      value: cell,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    titles.set(`metadata.${key}`, title);
  } else if (field === 'contract') {
    const [contract] = (record.contracts ??= [{}]) as Record<string, unknown>[];
    if (contract) named(`contracts.0.${key}`, cell, contract);
  } else if (field === 'contracts') {
    const list = json(cell);
    if (Array.isArray(list)) named('contracts', list);
    else wrong('expected a JSON list such as [{"name": "Gold", "endsOn": "2026-12-31"}]');
  } else if (field === 'blocked') {
    const value = WORDS[cell.toLowerCase()];
    if (value === undefined) wrong('expected yes or no');
    else named('blocked', value);
  } else named(field, cell);
}

function parts(cell: string): string[] {
  return cell
    .split(SEPARATOR)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
