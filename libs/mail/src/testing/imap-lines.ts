/** Cuts what a client says into commands; literals (`{12}`) become part of their line, in quotes. */
export class ImapLines {
  private held = Buffer.alloc(0);
  private said = '';
  private literal = -1;

  constructor(private readonly hear: (line: string) => void) {}

  /** Takes octets; true where the client waits to be told to go on with a literal. */
  push(chunk: Buffer): boolean {
    this.held = Buffer.concat([this.held, chunk]);
    for (;;) {
      if (this.literal >= 0) {
        if (this.held.length < this.literal) return false;
        this.said += `"${this.held.subarray(0, this.literal).toString('latin1')}"`;
        this.held = this.held.subarray(this.literal);
        this.literal = -1;
      }
      const end = this.held.indexOf('\r\n');
      if (end < 0) return false;
      this.said += this.held.subarray(0, end).toString();
      this.held = this.held.subarray(end + 2);
      const announced = /\{(\d+)(\+?)\}$/.exec(this.said);
      if (announced) {
        this.said = this.said.slice(0, announced.index);
        this.literal = Number(announced[1]);
        if (announced[2] === '') return true;
        continue;
      }
      const line = this.said;
      this.said = '';
      this.hear(line);
    }
  }
}
