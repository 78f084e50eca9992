import type pg from 'pg';

/** https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY */
const NEWLINE = 0x0a;

/** Runs `copy ... to stdout` and returns what it gives, in memory. Values hold no bare newline: each newline ends a row. */
export async function copyOut(client: pg.ClientBase, text: string): Promise<Buffer> {
  const rows: Buffer[] = [];
  await submit(client, {
    send: (wire) => wire.query(text),
    take: (bytes) => rows.push(Buffer.from(bytes)),
  });
  return Buffer.concat(rows);
}

/** Runs `copy ... from stdin` with the rows given, and returns how many were stored. */
export async function copyIn(client: pg.ClientBase, text: string, rows: Buffer): Promise<number> {
  const whole = Buffer.concat([message('Q', Buffer.from(`${text}\0`)), message('d', rows), message('c')]);
  // In one piece: the embedded server reads the rows together with the statement or not at all.
  const tag = await submit(client, { send: ({ stream }) => stream.write(whole) });
  return Number(/^COPY (\d+)$/.exec(tag)?.[1] ?? Number.NaN);
}

export function countRows(rows: Buffer): number {
  let count = 0;
  for (let at = rows.indexOf(NEWLINE); at !== -1; at = rows.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** What `pg` hands to a submitted query; its types tell less. */
interface Wire {
  query(text: string): void;
  readonly stream: { write(bytes: Buffer): unknown };
}

interface Exchange {
  readonly send: (wire: Wire) => unknown;
  readonly take?: (bytes: Uint8Array) => void;
}

/** A query of a form that `pg` itself does not know. Resolves with the tag of the command, throws the server's error. */
function submit(client: pg.ClientBase, { send, take }: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    let tag = '';
    const query = {
      // What `submit` returns, `pg` takes for an error.
      submit: (wire: Wire): void => void send(wire),
      handleCopyInResponse: () => undefined,
      handleCopyData: ({ chunk }: { chunk: Uint8Array }) => take?.(chunk),
      handleCommandComplete: ({ text }: { text: string }) => (tag = text),
      handleError: reject,
      handleReadyForQuery: () => resolve(tag),
    };
    client.query(query as unknown as pg.Submittable);
  });
}

function message(kind: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5, kind);
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}
