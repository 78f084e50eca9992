import { describe, expect, it } from '@jest/globals';
import { readItems, readRows, type ReadOptions } from './read-rows.js';
import type { ReadyRow } from './row.js';

/** The bytes in pieces of `size`. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  file: string | Buffer,
  options: Partial<ReadOptions> & { format?: 'csv' | 'ndjson'; size?: number } = {},
) {
  const { format = 'csv', size = 65_536, ...rest } = options;
  const rows: ReadyRow[] = [];
  for await (const row of readRows(pieces(Buffer.from(file), size), format, { kind: 'contacts', ...rest }))
    rows.push(row);
  return rows;
}

const handles = (row: ReadyRow | undefined) =>
  (row?.data as { handles: { scheme: string; scope: string; value: string }[] }).handles.map(
    ({ scheme, scope, value }) => `${scheme}${scope && `/${scope}`}:${value}`,
  );
const faults = (row: ReadyRow | undefined) => row?.errors?.map(({ column, message }) => `${column}: ${message}`);

/** "externalId,name,phone / 1,王芳,… / 2,张伟,…" as Excel in China writes it. */
const GB = Buffer.concat([
  Buffer.from('externalId,name,phone\r\n1,'),
  Buffer.from([0xcd, 0xf5, 0xb7, 0xbc]),
  Buffer.from(',13800138000\r\n2,'),
  Buffer.from([0xd5, 0xc5, 0xce, 0xb0, 0x81, 0x30, 0x81, 0x30]), // with a character that only GB18030 has
  Buffer.from(',13800138001\r\n'),
]);

describe('reading a table', () => {
  const plain = 'externalId,name\n1,王芳\n2,Ärger "x" 😀\n';
  const names = ['王芳', 'Ärger "x" 😀'];

  it.each([
    ['UTF-8', Buffer.from(plain)],
    ['UTF-8 with its mark', Buffer.from(`\uFEFF${plain}`)],
    ['UTF-16 with its mark', Buffer.from(`\uFEFF${plain}`, 'utf16le')],
    ['UTF-16 the other way', Buffer.from(`\uFEFF${plain}`, 'utf16le').swap16()],
  ])('takes %s, wherever it is cut', async (_, file) => {
    for (const size of [1, 7, 65_536])
      expect((await read(file, { size })).map(({ data }) => (data as { name: string }).name)).toEqual(names);
  });

  it('takes GB18030, also where ASCII goes on for long before it', async () => {
    for (const size of [1, 5, 65_536]) {
      const rows = await read(GB, { size, country: 'CN' });
      expect(rows.map(({ data }) => (data as { name: string }).name)).toEqual(['王芳', '张伟\u0080']);
    }
    const ascii = Buffer.from(`externalId,name\n${`9,${'B'.repeat(90)}\n`.repeat(6_000)}`);
    const rows = await read(
      Buffer.concat([ascii, Buffer.from('7,'), Buffer.from([0xcd, 0xf5, 0xb7, 0xbc]), Buffer.from('\n')]),
    );
    expect(rows.at(-1)?.data).toMatchObject({ name: '王芳' });
  });

  it('takes quotes, line breaks in cells, other delimiters, short rows and blank ones, and counts as a spreadsheet does', async () => {
    const rows = await read('externalId,name,company\r\n1,"Li, ""Bob""\r\nJr.",x\r\n\r\n2,a"b\r\n,,\r\n3,c,d,,\r\n');
    expect(rows.map(({ row, data }) => [row, (data as { name: string }).name])).toEqual([
      [2, 'Li, "Bob"\nJr.'],
      [4, 'a"b'],
      [6, 'c'],
    ]);
    expect((await read('externalId;name\n1;a,b\n'))[0]?.data).toMatchObject({ name: 'a,b' });
    expect((await read('externalId\tname\n1\ta,b;c\n'))[0]?.data).toMatchObject({ name: 'a,b;c' });
  });

  it('understands columns in any spelling, several handles, and other handles by their scheme', async () => {
    const [row] = await read(
      '姓名,手机,phone 2,E-Mail,handle.wechat-openid/wx1,handle.client/shop,CRM ID,metadata.区域\n' +
        '王芳,138 0013 8000; +1 (415) 555-2671,０１０-８２３４５６７８,A@X.example|b@x.example,oXy,u-1,K1,华东\n',
      { country: 'CN' },
    );
    expect(row?.data).toMatchObject({ name: '王芳', externalId: 'K1', metadata: { 区域: '华东' } });
    expect(handles(row)).toEqual([
      'crm:K1', 'phone:+8613800138000', 'phone:+14155552671', 'phone:+861082345678', 'email:a@x.example', 'email:b@x.example',
      'wechat-openid/wx1:oXy', 'client/shop:u-1',
    ]); // prettier-ignore
  });

  it('refuses a header that it does not understand, as a whole and with a hint', async () => {
    await expect(read('externalId,phne\n1,2\n')).rejects.toMatchObject({
      errors: [{ path: 'phne', message: expect.stringMatching(/did you mean "phone".*metadata\.phne/) }],
    });
    await expect(read('name,姓名\n1,2\n')).rejects.toMatchObject({ errors: [{ path: '姓名' }] });
    await expect(read('')).rejects.toMatchObject({ errors: [{ path: 'file' }] });
    await expect(read(',,\n1,2,3\n')).rejects.toMatchObject({ errors: [{ path: 'file' }] });
    expect((await read('externalId,phne\n1,2\n', { unknown: 'metadata' }))[0]?.data).toMatchObject({
      metadata: { phne: '2' },
    });
  });

  it('refuses a file in which a quote never closes, and names the row', async () => {
    const rest = '2,b\n'.repeat(10);
    await expect(read(`externalId,name\n1,a\n2,"b\n${rest}`)).rejects.toMatchObject({
      errors: [{ path: 'file', message: expect.stringContaining('row 3') }],
    });
    await expect(read(`externalId,name\n1,"${'x'.repeat(5_000_000)}`)).rejects.toMatchObject({
      errors: [{ message: expect.stringContaining('row 2') }],
    });
  });

  it.each([
    [
      'externalId,phone\n1,12\n',
      [
        'phone: expected a phone number with its country code, such as +8613800138000 (a short code or the name of a sender is scheme sms-sender)',
      ],
    ],
    ['externalId,Phone 2\n1,010 82345678\n', [expect.stringContaining('Phone 2: expected a phone number')]],
    ['externalId,email\n1,a@@b\n', [expect.stringContaining('email: expected exactly one mail address')]],
    ['name\nBob\n', ['externalId: expected an externalId, or a handle such as a phone or an email']],
    ['externalId,blocked\n1,perhaps\n', ['blocked: expected yes or no']],
    [
      'externalId,name\n1,a\0b\n',
      ['name: expected readable text: it holds bytes that are none in the encoding of the file'],
    ],
    [`externalId,name\n1,${'x'.repeat(1_000_000)}\n`, ['name: expected at most 10000 characters']],
    ['externalId,name\n1,b,c\n', ['null: expected nothing in cell 3: its column has no name']],
    ['externalId,metadata.__proto__\n1,b\n', ['metadata.__proto__: expected readable names of fields']],
    ['externalId,metadata.\0\ud83d\n1,b\n', [expect.stringContaining('metadata.\ufffd')]],
    ['externalId,handle.crm\n1,b\n', ['handle.crm: expected the column externalId for it']],
    ['externalId,crmUrl\n1,javascript:alert(1)\n', ['crmUrl: Invalid URL']],
  ])('rejects a row, and says of which column: %#', async (file, expected) => {
    const rows = await read(`${file}`);
    expect(rows.map(faults)).toEqual([expected]);
    expect(JSON.stringify(rows)).not.toMatch(/"data"|a@@b|perhaps|xxxx/);
  });

  it('rejects the rows whose bytes are of no encoding, and no others', async () => {
    const file = Buffer.concat([
      Buffer.from('externalId,name\n1,王芳\n2,a'),
      Buffer.from([0xff]),
      Buffer.from('\n3,c\n'),
    ]);
    const big = Buffer.concat([
      Buffer.from(`externalId,name\n1,王${'芳'.repeat(100)}\n`),
      Buffer.from(`8,${'好'.repeat(30)}\n`.repeat(6_000)),
      file.subarray(16),
    ]);
    const rows = await read(big);
    expect(rows.filter(({ errors }) => errors).map(faults)).toEqual([[expect.stringContaining('readable text')]]);
    expect(rows.at(-1)?.data).toMatchObject({ externalId: '3', name: 'c' });
  });

  it('reads companies', async () => {
    const rows = await read(
      '客户编号,公司名称,等级,产品,contract.name,contract.endsOn,contracts\n' +
        'K1,Acme,Super VIP,CRM；Mail,,,"[{""name"":""Gold"",""level"":""VIP""}]"\n' +
        'K2,Beta,普通,,Silver,2026-12-31,\nK3,C,,,,,{}\n,,vip,,,,\nK5,D,,,Gold,31.12.2026,\n',
      { kind: 'companies' },
    );
    expect(rows.map(({ data, errors }) => data ?? errors?.map(({ column }) => column))).toEqual([
      {
        externalId: 'K1',
        name: 'Acme',
        level: 'super-vip',
        products: ['CRM', 'Mail'],
        contracts: [{ name: 'Gold', level: 'vip' }],
      },
      { externalId: 'K2', name: 'Beta', level: '普通', contracts: [{ name: 'Silver', endsOn: '2026-12-31' }] },
      ['contracts'],
      ['externalId'],
      ['contract.endsOn'],
    ]);
  });
});

describe('reading JSON', () => {
  it('takes lines and lists, and rejects what is none', async () => {
    const good = {
      externalId: 'K1',
      phone: ['138 0013 8000'],
      email: null,
      handles: [{ scheme: 'client', scope: 'shop', value: 'u' }],
    };
    const lines = [JSON.stringify(good), '', '{"externalId": 7}', '[]', '{', '{"externalId":"a","colour":1}'].join(
      '\n',
    );
    const rows = await read(lines, { format: 'ndjson', country: 'CN', size: 3 });
    expect(handles(rows[0])).toEqual(['crm:K1', 'phone:+8613800138000', 'client/shop:u']);
    expect(rows.map(({ row, errors }) => [row, errors?.map(({ column }) => column)])).toEqual([
      [1, undefined],
      [3, ['externalId']],
      [4, [null]],
      [5, [null]],
      [6, [null]],
    ]);
    expect(
      [...readItems([good, 7], { kind: 'contacts', country: 'CN' })].map(({ row, errors }) => [row, errors?.length]),
    ).toEqual([
      [1, undefined],
      [2, 1],
    ]);
  });

  it('is not brought down by nesting or keys that are made to', () => {
    const deep = JSON.parse(`{"externalId":"1","metadata":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`) as object;
    const proto = JSON.parse('{"externalId":"1","metadata":{"__proto__":{"x":1}}}') as object;
    const half = { externalId: '1', metadata: { a: '\ud800' } };
    const rows = [...readItems([deep, proto, half], { kind: 'contacts' })];
    expect(rows.map(({ errors }) => errors?.length)).toEqual([1, 1, 1]);
  });
});
