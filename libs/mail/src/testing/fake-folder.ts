/** A mail in a folder of the fake server. */
export class Letter {
  readonly flags = new Set<string>();
  /** How often handing it out ends in the middle, with the connection. */
  torn = 0;

  constructor(
    public uid: number,
    readonly raw: Buffer,
    public date: Date,
  ) {}

  /** A FETCH response, as a server writes it. */
  answer(seq: number, items: string): Buffer {
    const parts: Buffer[] = [Buffer.from(`* ${seq} FETCH (UID ${this.uid}`)];
    const add = (text: string) => parts.push(Buffer.from(` ${text}`));
    const literal = (name: string, octets: Buffer) => {
      add(`${name} {${octets.length}}\r\n`);
      parts.push(octets);
    };
    if (/RFC822\.SIZE/.test(items)) add(`RFC822.SIZE ${this.raw.length}`);
    if (/INTERNALDATE/.test(items)) add(`INTERNALDATE "${internalDate(this.date)}"`);
    if (/BODY\.PEEK\[\]/.test(items)) literal('BODY[]', this.raw);
    if (/BODY\.PEEK\[HEADER\]/.test(items)) literal('BODY[HEADER]', this.header());
    if (/HEADER\.FIELDS \(RECEIVED\)/i.test(items))
      literal('BODY[HEADER.FIELDS (RECEIVED)]', Buffer.from(`${this.received()}\r\n`));
    parts.push(Buffer.from(')\r\n'));
    return Buffer.concat(parts);
  }

  private header(): Buffer {
    const end = this.raw.indexOf('\r\n\r\n');
    return end < 0 ? this.raw : this.raw.subarray(0, end + 4);
  }

  private received(): string {
    return /^received:(?:.|\r\n[ \t])*\r\n/im.exec(this.header().toString('latin1'))?.[0] ?? '';
  }

  get messageId(): string {
    return /^message-id:\s*<?([^>\r\n]*)/im.exec(this.header().toString('latin1'))?.[1] ?? '';
  }
}

/** A folder of the fake server. */
export class FakeFolder {
  letters: Letter[] = [];
  validity = 1;
  next = 1;
  modseq = 10;

  add(raw: Buffer | string, date: Date): Letter {
    const letter = new Letter(this.next, Buffer.from(raw), date);
    this.next += 1;
    this.modseq += 1;
    this.letters.push(letter);
    return letter;
  }

  /** The server numbers everything anew, as after a restore. */
  renumber(validity: number, date?: Date): void {
    this.validity = validity;
    this.letters.forEach((letter, i) => {
      letter.uid = i + 1;
      if (date) letter.date = date;
    });
    this.next = this.letters.length + 1;
  }

  shown(): string {
    return [
      `* ${this.letters.length} EXISTS`,
      '* FLAGS (\\Seen \\Deleted)',
      '* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] all',
      `* OK [UIDVALIDITY ${this.validity}] valid`,
      `* OK [UIDNEXT ${this.next}] next`,
      `* OK [HIGHESTMODSEQ ${this.modseq}] highest`,
      '',
    ].join('\r\n');
  }

  status(items: string): string {
    const known = {
      ...{ UIDNEXT: this.next, UIDVALIDITY: this.validity, HIGHESTMODSEQ: this.modseq },
      MESSAGES: this.letters.length,
    };
    const asked = Object.entries(known).filter(([name]) => items.toUpperCase().includes(name));
    return asked.map(([name, value]) => `${name} ${value}`).join(' ');
  }

  /** Sequence numbers and letters of a range. A range by uid that ends in `*` has the last one in any case. */
  within(range: string, byUid: boolean): (readonly [number, Letter])[] {
    const numbered = this.letters.map((letter, i) => [i + 1, letter] as const);
    const last = byUid ? (this.letters.at(-1)?.uid ?? 0) : this.letters.length;
    const spans = range.split(',').map((span) => {
      const [from = 0, to = from] = span.split(':').map((end) => (end === '*' ? last : Number(end)));
      return [Math.min(from, to), Math.max(from, to)] as const;
    });
    const inside = (number: number) => spans.some(([from, to]) => number >= from && number <= to);
    return numbered.filter(([seq, { uid }]) => inside(byUid ? uid : seq));
  }

  search(asked: string): number[] {
    const id = /message-id "?([^"\s]+)"?/i.exec(asked)?.[1] ?? '';
    return this.letters.filter(({ messageId }) => messageId.includes(id)).map(({ uid }) => uid);
  }

  mark(said: string): void {
    const [, range = '', flags = ''] = /^(\S+) \+FLAGS(?:\.SILENT)? \((.*)\)$/i.exec(said) ?? [];
    for (const [, letter] of this.within(range, true)) {
      flags.split(' ').forEach((flag) => letter.flags.add(flag));
      this.marked(letter);
    }
  }

  /** Told of each letter that is marked. */
  marked: (letter: Letter) => void = () => undefined;

  move(range: string, target: FakeFolder): void {
    const going = this.within(range, true).map(([, letter]) => letter);
    this.letters = this.letters.filter((letter) => !going.includes(letter));
    for (const letter of going) target.add(letter.raw, letter.date);
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function internalDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  return `${day} ${[date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')} +0000`;
}
