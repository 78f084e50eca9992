/** Cuts the bytes of a connection into HTTP/1.1 messages that state their length; those that do not are an error here. */
export class HttpFrames {
  private rest: Buffer | undefined;

  constructor(private readonly take: (head: string, body: Buffer) => void) {}

  push(chunk: Buffer): void {
    const data = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const end = data.indexOf('\r\n\r\n', at);
      if (end < 0) break;
      const head = data.toString('latin1', at, end);
      const next = end + 4 + lengthOf(head);
      if (next > data.length) break;
      this.take(head, data.subarray(end + 4, next));
      at = next;
    }
    this.rest = at < data.length ? data.subarray(at) : undefined;
  }
}

function lengthOf(head: string): number {
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (/transfer-encoding:/i.test(head)) throw new Error(`a message without a length: ${head}`);
  return 0;
}

/** A header's value; names are compared without regard to case. */
export function header(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}: *([^\r\n]*)`, 'i').exec(head)?.[1];
}
