export interface HostileBody {
  readonly name: string;
  readonly body: Buffer;
}

/** Bodies that no parser may choke on, made from a genuine one: emptied, cut, blown up, badly encoded, nested, polluted. */
export function hostileBodies(genuine: Buffer, maxBytes: number): HostileBody[] {
  const text = genuine.toString('utf8');
  const deep = 20_000;
  const cuts = [1, 0.25, 0.5, 0.75].map((at) => (at === 1 ? genuine.length - 1 : Math.floor(genuine.length * at)));
  const bodies: [string, Buffer | string][] = [
    ['empty', ''],
    ...cuts.map((at): [string, Buffer] => [`cut at ${at} bytes`, genuine.subarray(0, Math.max(0, at))]),
    ['huge', Buffer.alloc(maxBytes, 'a')],
    ['a huge string', JSON.stringify('a'.repeat(maxBytes - 2))],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['a byte order mark', `\ufeff${text}`],
    ['invalid UTF-8', Buffer.concat([genuine.subarray(0, -2), Buffer.from([0xc3, 0x28, 0xff]), genuine.subarray(-2)])],
    ['NUL bytes', Buffer.concat([genuine.subarray(0, -2), Buffer.from([0, 0]), genuine.subarray(-2)])],
    ['nested arrays', '['.repeat(deep) + ']'.repeat(deep)],
    ['nested objects', '{"a":'.repeat(deep) + '1' + '}'.repeat(deep)],
    ['nested elements', '<a>'.repeat(deep)],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><xml><a>&b;</a></xml>'],
    ['prototype keys', withPollution(text)],
    ...['null', '0', '"text"', '[]', '{}', '[null]', 'NaN', '{"type":{}}', '<xml></xml>', '%', '='].map(
      (body): [string, string] => [body, body],
    ),
  ];
  return bodies.map(([name, body]) => ({ name, body: typeof body === 'string' ? Buffer.from(body) : body }));
}

function withPollution(text: string): string {
  const poison = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
  return text.startsWith('{') ? `{${poison},${text.slice(1)}` : `{${poison}}`;
}

/** Has a parser let a body write to every object's prototype? Undoes it. */
export function isPolluted(): boolean {
  return 'polluted' in {} && Reflect.deleteProperty(Object.prototype, 'polluted');
}
