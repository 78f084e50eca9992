import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FAREWELL_MS, type Line, type OpenLine } from './line.js';
import { LocalHints } from './local-hints.js';

export interface SharedHintsTimes {
  /** Repeats of one hint within this time are folded into one. */
  readonly foldMs: number;
  /** Between two heartbeats. A line on which one does not come back before the next is given up. */
  readonly beatMs: number;
  /** The wait before a lost line is opened anew: doubled at each failure. */
  readonly retryMs: { readonly first: number; readonly most: number };
  /** Hints that find no line are kept for so long. */
  readonly keepMs: number;
}

const TIMES: SharedHintsTimes = { foldMs: 20, beatMs: 5_000, retryMs: { first: 100, most: 2_000 }, keepMs: 5_000 };
const MOST_PENDING = 10_000;
/** Hinted within the process after an outage: hints were missed, so that who listens had better look. */
const HEARD_AGAIN = 'heard-again';
/** The channel of heartbeats; hints have a name. */
const HEARTBEAT = '';

/**
 * Hints between processes over a line that comes back by itself. A heartbeat goes the whole way out and back, so a line on which nothing arrives any more
 * (a far end that is gone without a word, a proxy that forgot the subscription) is found and made anew.
 */
export class SharedHints extends LocalHints {
  readonly #self = randomBytes(6).toString('base64url');
  readonly #pending = new Set<string>();
  readonly #times: SharedHintsTimes;
  #line: Line | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #answered = false;
  #flushed = 0;
  #lostAt = Date.now();
  #delay: number;
  #told = false;
  #closed = false;

  constructor(
    private readonly open: OpenLine,
    log: (message: string) => void,
    times: Partial<SharedHintsTimes> = {},
  ) {
    super(log);
    this.#times = { ...TIMES, ...times };
    this.#delay = this.#times.retryMs.first;
  }

  override arrive(): boolean {
    return this.#line !== undefined;
  }

  /** Resolves after the first attempt, whatever came of it. */
  async connect(): Promise<void> {
    let line: Line | undefined;
    let broken = false;
    const lost = (): void => {
      broken = true;
      if (line) this.#lost(line, 'it broke');
    };
    try {
      line = await this.open({ heard: (message) => this.#heard(message), lost });
      if (this.#closed) return line.drop();
      if (broken) throw new Error('it broke');
      this.#begin(line);
    } catch (error) {
      this.#again(error instanceof Error ? error.message : String(error));
    }
  }

  override hint(channel: string, payload: string): void {
    super.hint(channel, payload);
    if (this.#pending.size >= MOST_PENDING) this.#pending.clear();
    this.#pending.add(`${this.#self}\n${channel}\n${payload}`);
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#flushed + this.#times.foldMs - Date.now()));
  }

  override async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#timer, this.#retry]) clearTimeout(timer);
    clearInterval(this.#beat);
    await this.#sayLast();
    this.#line?.drop();
    this.#line = undefined;
    await super.close();
  }

  /** What was hinted just before the end, such as that something was given back. */
  async #sayLast(): Promise<void> {
    if (!this.#line || this.#pending.size === 0) return;
    const said = this.#line.say([...this.#pending]).catch(() => undefined);
    await Promise.race([said, delay(FAREWELL_MS, undefined, { ref: false })]);
  }

  #begin(line: Line): void {
    this.#line = line;
    this.#delay = this.#times.retryMs.first;
    if (this.#told) this.log('hints between processes arrive again');
    if (this.#told) super.hint(HEARD_AGAIN, '');
    this.#told = false;
    this.#answered = true;
    this.#beat = setInterval(() => this.#pulse(line), this.#times.beatMs).unref();
    this.#flush();
  }

  #pulse(line: Line): void {
    if (!this.#answered) return this.#lost(line, 'it is silent');
    this.#answered = false;
    this.#say(line, [`${this.#self}\n${HEARTBEAT}\n`]);
  }

  #heard(message: string): void {
    const [self, channel = ''] = message.split('\n', 2);
    if (self === this.#self) this.#answered = true;
    else if (channel !== HEARTBEAT) this.deliver(channel, message.slice(self!.length + channel.length + 2));
  }

  #flush(): void {
    this.#timer = undefined;
    this.#flushed = Date.now();
    if (!this.#line) {
      if (this.#flushed - this.#lostAt > this.#times.keepMs) this.#pending.clear();
      return;
    }
    const messages = [...this.#pending];
    this.#pending.clear();
    if (messages.length > 0) this.#say(this.#line, messages);
  }

  #say(line: Line, messages: readonly string[]): void {
    line.say(messages).catch((error: unknown) => this.#lost(line, String(error)));
  }

  #lost(line: Line, reason: string): void {
    if (this.#line !== line) return;
    this.#line = undefined;
    this.#lostAt = Date.now();
    clearInterval(this.#beat);
    line.drop();
    this.#again(reason);
  }

  #again(reason: string): void {
    if (this.#closed || this.#retry) return;
    if (!this.#told) this.log(`hints between processes do not arrive (${reason}); the others are found out later`);
    this.#told = true;
    const wait = this.#delay * (0.5 + Math.random());
    this.#delay = Math.min(this.#delay * 2, this.#times.retryMs.most);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.connect();
    }, wait);
  }
}
