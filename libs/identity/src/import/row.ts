import {
  cleanText,
  handleKey,
  InvalidHandle,
  MAX_DEPTH,
  normalizeHandle,
  type Handle,
  type InputError,
} from '#normalizer';
import { z } from 'zod';
import { Contracts, Products, ServiceLevel } from '../company.js';
import type { ImportKind } from './columns.js';

/** One fault of a row: which column, and what was expected there. Never quotes what stands there. */
export interface RowFault {
  readonly column: string | null;
  readonly message: string;
}

/** A row as it is stored until its turn comes: ready, or with what is wrong. */
export interface ReadyRow {
  readonly row: number;
  readonly data?: unknown;
  readonly errors?: readonly RowFault[];
}

/** What a file or a JSON item says of one company or contact, before it is checked. */
export interface RawRow {
  readonly row: number;
  readonly record: Readonly<Record<string, unknown>>;
  /** Columns of the file, by the path of what they became. */
  readonly titles?: ReadonlyMap<string, string>;
  readonly errors?: readonly RowFault[];
}

export interface RowOptions {
  readonly kind: ImportKind;
  /** ISO 3166 country of phone numbers that are written without their country code. */
  readonly country?: string | undefined;
}

/** Longest text of one cell. Whatever is longer was pasted into the wrong place. */
const MAX_CELL = 10_000;
const MAX_HANDLES = 20;

const text = (max: number) => z.string().trim().min(1).max(max);
const metadata = z.record(text(200), z.unknown());
const handle = z.strictObject({ scheme: z.string(), scope: z.string().default(''), value: text(1_000) });
const several = z.union([text(1_000), z.array(text(1_000)).max(MAX_HANDLES)]);

/** One company, as JSON has it. */
export const CompanyRow = z
  .strictObject({
    externalId: text(320).optional(),
    name: text(500).optional(),
    level: ServiceLevel.optional(),
    products: Products.optional(),
    contracts: Contracts.optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'CompanyRow' });

/** One contact, as JSON has it. */
export const ContactRow = z
  .strictObject({
    externalId: text(320).optional(),
    name: text(500).optional(),
    phone: several.optional(),
    email: several.optional(),
    handles: z.array(handle).max(MAX_HANDLES).optional(),
    companyExternalId: text(320).optional(),
    company: text(500).optional(),
    companyId: text(200).optional(),
    blocked: z.boolean().optional(),
    crmUrl: z
      .url({ protocol: /^https?$/ })
      .max(4_096)
      .optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'ContactRow' });

/** Checks a row and brings it to the form of `import_batch`; whatever is wrong with it is told at once. */
export function checkRow({ row, record, titles, errors = [] }: RawRow, options: RowOptions): ReadyRow {
  const isGiven = ([, value]: [string, unknown]) => value !== null && value !== undefined && value !== '';
  const given = Object.fromEntries(Object.entries(record).filter(isGiven));
  const column = (path: string) => titles?.get(path) ?? titles?.get(path.split('.', 1)[0]!) ?? (path || null);
  const at = ({ path, message }: InputError): RowFault => ({ column: column(path), message });
  const faults = [...errors, ...unreadable(given).map(at)];
  if (faults.length > 0) return rejected(row, faults);
  const parsed = (options.kind === 'companies' ? CompanyRow : ContactRow).safeParse(cleaned(given));
  if (parsed.success) return complete(row, parsed.data, { ...options, column });
  return rejected(
    row,
    parsed.error.issues.map(({ path, message }) => at({ path: path.join('.'), message })),
  );
}

/** A title may be anything that a file can hold, and is cut where that is half a character. */
function rejected(row: number, faults: readonly RowFault[]): ReadyRow {
  const errors = faults.slice(0, 10).map(({ column, message }) => ({
    column: column === null ? null : cleanText(column.slice(0, 100)),
    message: cleanText(message.slice(0, 300)),
  }));
  return { row, errors };
}

type Parsed = z.output<typeof CompanyRow> | z.output<typeof ContactRow>;
type Completing = RowOptions & { readonly column: (path: string) => string | null };

function complete(row: number, record: Parsed, options: Completing): ReadyRow {
  if (options.kind === 'companies') {
    if (record.externalId !== undefined || record.name !== undefined) return { row, data: record };
    return rejected(row, [{ column: 'externalId', message: 'expected an externalId or a name' }]);
  }
  const { phone, email, handles = [], ...rest } = record as z.output<typeof ContactRow>;
  const { found, errors } = handlesOf({ phone, email, handles, externalId: rest.externalId }, options);
  if (errors.length > 0) return rejected(row, errors);
  if (found.length === 0)
    return rejected(row, [
      { column: 'externalId', message: 'expected an externalId, or a handle such as a phone or an email' },
    ]);
  return { row, data: { ...rest, handles: found } };
}

type Named = Pick<z.output<typeof ContactRow>, 'phone' | 'email' | 'externalId'> & {
  handles: z.output<typeof handle>[];
};

/** All handles of a row, each once, in their normal form; the external id is the first one. */
function handlesOf({ phone, email, handles, externalId }: Named, { country, column }: Completing) {
  const list = (value: string | string[] | undefined) => (value === undefined ? [] : [value].flat());
  const raw = [
    ...list(externalId).map((value) => ({ path: 'externalId', scheme: 'crm', scope: '', value })),
    ...list(phone).map((value) => ({ path: 'phone', scheme: 'phone', scope: '', value })),
    ...list(email).map((value) => ({ path: 'email', scheme: 'email', scope: '', value })),
    ...handles.map((each, n) => ({ path: `handles.${n}`, ...each })),
  ];
  const found = new Map<string, Omit<Handle, 'proof'> & { column: string | null }>();
  const errors: RowFault[] = [];
  for (const { path, ...each } of raw) {
    const name = column(path);
    try {
      if (each.scheme === 'crm' && each.scope === '' && path !== 'externalId')
        throw new InvalidHandle('crm', 'the column externalId for it');
      const { scheme, scope, value } = normalizeHandle(each, country === undefined ? {} : { defaultCountry: country });
      const key = handleKey({ scheme, scope, value });
      if (!found.has(key)) found.set(key, { scheme, scope, value, column: name });
    } catch (error) {
      if (!(error instanceof InvalidHandle)) throw error;
      errors.push({ column: name, message: `expected ${error.expected}` });
    }
  }
  return { found: [...found.values()], errors };
}

/** Text that cannot be kept as it is, anywhere in a value: bytes of another encoding, NUL, half characters, or far too much of it. */
function unreadable(value: unknown, path = '', depth = MAX_DEPTH): InputError[] {
  if (typeof value === 'string') {
    if (value.length > MAX_CELL) return [{ path, message: `expected at most ${MAX_CELL} characters` }];
    const isWhole = value.isWellFormed() && !/[\0\uFFFD]/.test(value);
    return isWhole
      ? []
      : [{ path, message: 'expected readable text: it holds bytes that are none in the encoding of the file' }];
  }
  if (typeof value !== 'object' || value === null) return [];
  if (depth === 0) return [{ path, message: `expected at most ${MAX_DEPTH} levels` }];
  const faults: InputError[] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__' || unreadable(key).length > 0)
      faults.push({ path: `${path}.${key}`, message: 'expected readable names of fields' });
    else faults.push(...unreadable(inner, path ? `${path}.${key}` : key, depth - 1));
    if (faults.length > 10) break;
  }
  return faults;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner)]));
}
