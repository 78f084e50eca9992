import type { RawRequest } from '#transport';

type Named = [string, RawRequest];

/**
 * Headers and query parameters that carry the signature: found as those in which the same request differs when another account signs
 * it. Without one the signature is inside the body.
 */
function carriers(genuine: RawRequest, foreign: RawRequest): { headers: string[]; query: string[] } {
  return {
    headers: Object.keys(genuine.headers).filter((name) => genuine.headers[name] !== foreign.headers[name]),
    query: [...genuine.query.keys()].filter((name) => genuine.query.get(name) !== foreign.query.get(name)),
  };
}

/** The request with its signature taken away, and with an empty one. */
export function withoutSignature(genuine: RawRequest, foreign: RawRequest): Named[] {
  const { headers, query } = carriers(genuine, foreign);
  if (headers.length + query.length === 0) return [['an empty body', { ...genuine, body: Buffer.alloc(0) }]];
  const bare = { headers: { ...genuine.headers }, query: new URLSearchParams(genuine.query) };
  const empty = { headers: { ...genuine.headers }, query: new URLSearchParams(genuine.query) };
  for (const name of headers) {
    delete bare.headers[name];
    empty.headers[name] = '';
  }
  for (const name of query) {
    bare.query.delete(name);
    empty.query.set(name, '');
  }
  return [
    ['no signature', { ...genuine, ...bare }],
    ['an empty signature', { ...genuine, ...empty }],
  ];
}

/** The request with one character of its signature changed: at the beginning, in the middle, near the end, and cut short. */
export function changedSignatures(genuine: RawRequest, foreign: RawRequest): Named[] {
  const { headers, query } = carriers(genuine, foreign);
  return [
    ...headers.flatMap((name) =>
      variants(genuine.headers[name] ?? '').map(([what, value]): Named => [
        `${name} ${what}`,
        { ...genuine, headers: { ...genuine.headers, [name]: value } },
      ]),
    ),
    ...query.flatMap((name) =>
      variants(genuine.query.get(name) ?? '').map(([what, value]): Named => {
        const changed = new URLSearchParams(genuine.query);
        changed.set(name, value);
        return [`${name} ${what}`, { ...genuine, query: changed }];
      }),
    ),
  ];
}

/** The last characters of base64 hold padding, whose bits no decoder compares: the change stays before them. */
function variants(value: string): [string, string][] {
  const length = value.replace(/=+$/, '').length;
  const places = [...new Set([0, Math.floor(length / 2), length - 3])].filter((at) => at >= 0 && at < length);
  return [
    ...places.map((at): [string, string] => [
      `changed at ${at}`,
      value.slice(0, at) + other(value[at]) + value.slice(at + 1),
    ]),
    ['cut short', value.slice(0, -4)],
  ];
}

function other(character = ''): string {
  return character === 'a' ? 'b' : 'a';
}
