import type { ImportRecord } from '#identity';

/** Where a command is watched. */
export interface Terminal {
  /** Does a person look at it, so that a line may be written again? */
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
  write(text: string): void;
}

type Standing = Pick<ImportRecord, 'total' | 'processed' | 'rejected'>;

const MOST_WIDTH = 40;
/** Room beside the bar. */
const BESIDE = 50;

/** How far an import is: one bar that grows, or a line at every tenth where nobody looks at it. */
export class Progress {
  private told = -1;

  constructor(private readonly terminal: Terminal) {}

  show({ total, processed, rejected }: Standing): void {
    const part = total === 0 ? 1 : processed / total;
    const text = `${number(processed)} of ${number(total)} rows, ${Math.floor(part * 100)} %${rejected > 0 ? `, ${number(rejected)} rejected` : ''}`;
    const { isTTY, columns = 80 } = this.terminal;
    if (isTTY) {
      const width = Math.max(0, Math.min(MOST_WIDTH, columns - BESIDE));
      const done = Math.floor(part * width);
      this.terminal.write(`\r[${'#'.repeat(done)}${'-'.repeat(width - done)}] ${text}\x1b[K`);
    } else if (Math.floor(part * 10) > this.told) {
      this.told = Math.floor(part * 10);
      this.terminal.write(`${text}\n`);
    }
  }

  end(): void {
    if (this.terminal.isTTY) this.terminal.write('\n');
  }
}

function number(value: number): string {
  return value.toLocaleString('en');
}
