import { InvalidInput, nearest, type InputError } from '#normalizer';

export type ImportKind = 'companies' | 'contacts';

/** What becomes of columns that have no meaning here: the file is refused, or they go to the free fields. */
export type UnknownColumns = 'refuse' | 'metadata';

/** What a column holds. `title` is its name in the file. */
export interface Column {
  readonly title: string;
  readonly field: string;
  /** Of `metadata` and `contract`: which key. */
  readonly key?: string;
  /** Of `handles`. */
  readonly scheme?: string;
  readonly scope?: string;
}

const FIELDS: Record<ImportKind, readonly string[]> = {
  companies: ['externalId', 'name', 'level', 'products', 'contracts'],
  contacts: ['externalId', 'name', 'phone', 'email', 'companyExternalId', 'company', 'companyId', 'blocked', 'crmUrl'],
};
const CONTRACT = ['id', 'name', 'level', 'startsOn', 'endsOn'];
const SEVERAL = new Set(['phone', 'email', 'handles', 'products']);

/** Other names of the columns, as spreadsheets have them. */
const ALIASES: Readonly<Record<string, string>> = {
  customerid: 'externalId', crmid: 'externalId', 编号: 'externalId', 外部编号: 'externalId', 客户编号: 'externalId',
  fullname: 'name', 姓名: 'name', 名称: 'name', mobile: 'phone', telephone: 'phone', phonenumber: 'phone', tel: 'phone',
  手机: 'phone', 手机号: 'phone', 手机号码: 'phone', 电话: 'phone', mail: 'email', emailaddress: 'email', 邮箱: 'email', 电子邮箱: 'email',
  servicelevel: 'level', 等级: 'level', 级别: 'level', 服务等级: 'level', product: 'products', 产品: 'products', 合同: 'contracts',
}; // prettier-ignore
const OF_COMPANIES: typeof ALIASES = { company: 'name', companyname: 'name', 公司: 'name', 公司名称: 'name' };
const OF_CONTACTS: typeof ALIASES = { companyname: 'company', organization: 'company', 公司: 'company', 公司名称: 'company', 所属公司: 'company', 公司编号: 'companyExternalId', 拉黑: 'blocked' }; // prettier-ignore

/**
 * What the columns of a file hold, by its header. Names are taken in any case and with any spaces; `phone 2`, `email_3` are further phones and mails;
 * `handle.<scheme>` or `handle.<scheme>/<scope>` is any other handle, `metadata.<key>` a free field, `contract.<part>` a company's one contract. A column without a
 * name is null. Throws `InvalidInput` that names every unknown or repeated column.
 */
export function readHeader(
  kind: ImportKind,
  titles: readonly string[],
  unknown: UnknownColumns = 'refuse',
): (Column | null)[] {
  const faults: InputError[] = [];
  const seen = new Map<string, string>();
  const columns = titles.map((text): Column | null => {
    const title = text.trim();
    if (title === '') return null;
    const column = meaning(kind, title) ?? (unknown === 'metadata' ? { title, field: 'metadata', key: title } : null);
    if (!column) {
      faults.push({ path: title.slice(0, 100), message: `is not a known column${hint(kind, title)}` });
      return null;
    }
    const place = `${column.field}.${column.key ?? ''}`;
    const other = SEVERAL.has(column.field) ? undefined : seen.get(place);
    if (other !== undefined)
      faults.push({ path: title.slice(0, 100), message: `says the same as the column "${other}"` });
    seen.set(place, title);
    return column;
  });
  if (columns.every((column) => column === null) && faults.length === 0)
    faults.push({ path: 'file', message: 'expected a header in the first row, which names the columns' });
  if (faults.length > 0) throw new InvalidInput(faults.slice(0, 20));
  return columns;
}

function meaning(kind: ImportKind, title: string): Column | null {
  const [, prefix, rest] = /^(metadata|handle|contract)\.(.{1,240})$/is.exec(title) ?? [];
  if (prefix && rest) return prefixed(kind, title, { prefix: prefix.toLowerCase(), rest });
  const plain = title
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_-]+/g, '');
  const numbered = fieldOf(kind, plain.replace(/\d+$/, ''));
  const field = fieldOf(kind, plain) ?? (numbered === 'phone' || numbered === 'email' ? numbered : undefined);
  if (field === undefined) return null;
  return field === 'phone' || field === 'email'
    ? { title, field: 'handles', scheme: field, scope: '' }
    : { title, field };
}

function fieldOf(kind: ImportKind, name: string): string | undefined {
  const known = FIELDS[kind].find((field) => field.toLowerCase() === name);
  const alias = (kind === 'companies' ? OF_COMPANIES : OF_CONTACTS)[name] ?? ALIASES[name];
  return known ?? (alias !== undefined && FIELDS[kind].includes(alias) ? alias : undefined);
}

function prefixed(kind: ImportKind, title: string, { prefix, rest }: { prefix: string; rest: string }): Column | null {
  if (prefix === 'metadata') return { title, field: 'metadata', key: rest };
  if (prefix === 'contract') {
    const key = CONTRACT.find((part) => part.toLowerCase() === rest.toLowerCase());
    return kind === 'companies' && key ? { title, field: 'contract', key } : null;
  }
  const [, scheme, scope] = /^([a-z][a-z0-9-]{0,39})(?:\/(.+))?$/.exec(rest) ?? [];
  return kind === 'contacts' && scheme ? { title, field: 'handles', scheme, scope: scope ?? '' } : null;
}

function hint(kind: ImportKind, title: string): string {
  const meant = nearest(title, FIELDS[kind]);
  return `${meant ? `; did you mean "${meant}"?` : ''}; a column of your own is named "metadata.${title.slice(0, 40)}"`;
}
