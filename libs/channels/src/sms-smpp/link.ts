import { setTimeout as delay } from 'node:timers/promises';
import { ProviderFailure } from '#normalizer';
import type { Dial } from '#transport';
import { Command, frame, isResponse, MalformedPdu, PduReader, responseTo, Status, type Pdu } from './pdu.js';

export interface LinkOptions {
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
  /** How often the other side is asked whether it is there. */
  readonly enquireMs: number;
  /** Most requests that wait for an answer at the same time. */
  readonly window: number;
  /** Takes a deliver_sm or data_sm, and answers it once. Never throws. */
  readonly receive: (pdu: Pdu, answer: Answer) => void;
  /** Called once, when the connection ends that nobody closed. */
  readonly lost: (error: ProviderFailure) => void;
}

type Socket = ReturnType<Dial>;

/** Answers with a command_status; resolves with whether that left. */
export type Answer = (status: number) => Promise<boolean>;

interface Pending {
  readonly command: number;
  readonly resolve: (pdu: Pdu) => void;
  readonly reject: (error: ProviderFailure) => void;
}

const LAST_SEQUENCE = 0x7fffffff;
/** Messages that are being stored; the message centre is asked to come again with more. */
const MOST_ARRIVING = 500;
const UNSENT = 'the connection was lost before the message was handed over';

/** One SMPP connection: requests and their answers in both directions, and whether the other side is still there. */
export class Link {
  private readonly reader = new PduReader();
  private readonly pending = new Map<number, Pending>();
  private readonly waiting: (() => void)[] = [];
  private sequence = 0;
  private busy = 0;
  private arriving = 0;
  private ended: ProviderFailure | undefined;
  private closing = false;
  private enquiring: NodeJS.Timeout | undefined;

  /** Takes over a connected socket. */
  constructor(
    private readonly socket: Socket,
    private readonly options: LinkOptions,
  ) {
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => this.end(new ProviderFailure('unavailable', 'the connection was closed')));
  }

  /** From now on the other side is asked whether it is there. To be called once the connection is bound. */
  watch(): void {
    this.enquiring = setInterval(() => {
      this.request(Command.enquireLink, Buffer.alloc(0), { urgent: true }).catch(() =>
        this.end(new ProviderFailure('unavailable', 'the message centre does not answer any more')),
      );
    }, this.options.enquireMs);
    this.enquiring.unref();
  }

  /**
   * Sends a request and resolves with its answer, whatever its status. Throws `unavailable` where it was not written, `outcome-unknown` where it was and no
   * answer came, `reply-unreadable` where the answer is one to something else. `urgent`: outside of the window.
   */
  async request(command: number, body: Buffer, { urgent = false } = {}): Promise<Pdu> {
    if (urgent) return this.exchange(command, body);
    await this.turn();
    try {
      return await this.exchange(command, body);
    } finally {
      this.busy -= 1;
      this.waiting.shift()?.();
    }
  }

  private async exchange(command: number, body: Buffer): Promise<Pdu> {
    if (this.ended) throw new ProviderFailure('unavailable', UNSENT);
    const sequence = this.next();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Pdu>((resolve, reject) => {
        this.pending.set(sequence, { command, resolve, reject });
        const late = () => reject(new ProviderFailure('outcome-unknown', 'no answer came in time'));
        timer = setTimeout(late, this.options.timeoutMs);
        this.socket.write(frame({ command, sequence, body }));
      });
    } finally {
      clearTimeout(timer);
      this.pending.delete(sequence);
    }
  }

  /** Waits for what is under way, takes leave and closes; at most as long as an answer is waited for. Never throws. */
  async close(): Promise<void> {
    this.closing = true;
    clearInterval(this.enquiring);
    const patience = new AbortController();
    const leave = async () => {
      while (!this.ended && this.pending.size + this.arriving > 0)
        await delay(20, undefined, { signal: patience.signal });
      if (!this.ended) await this.request(Command.unbind, Buffer.alloc(0), { urgent: true });
    };
    const enough = delay(this.options.timeoutMs, undefined, { signal: patience.signal });
    await Promise.race([leave(), enough]).catch(() => undefined);
    patience.abort();
    this.end(new ProviderFailure('unavailable', 'the connection was closed'));
  }

  /** Waits for a place in the window, and takes it. */
  private async turn(): Promise<void> {
    while (!this.ended && this.busy >= this.options.window)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.busy += 1;
  }

  private next(): number {
    do this.sequence = this.sequence === LAST_SEQUENCE ? 1 : this.sequence + 1;
    while (this.pending.has(this.sequence));
    return this.sequence;
  }

  private read(chunk: Buffer): void {
    try {
      for (const pdu of this.reader.push(chunk)) {
        if (isResponse(pdu.command)) this.answered(pdu);
        else this.asked(pdu);
      }
    } catch (error) {
      if (!(error instanceof MalformedPdu)) throw error;
      void this.write({ command: Command.genericNack, status: Status.wrongLength, sequence: 0 });
      this.end(new ProviderFailure('unavailable', `the message centre sent what is no SMPP: ${error.message}`));
    }
  }

  private answered(pdu: Pdu): void {
    const pending = this.pending.get(pdu.sequence);
    if (!pending) return;
    if (pdu.command === responseTo(pending.command) || (pdu.command === Command.genericNack && pdu.status !== 0))
      return pending.resolve(pdu);
    pending.reject(new ProviderFailure('reply-unreadable', 'the message centre answered something else'));
  }

  private asked(pdu: Pdu): void {
    const { command, sequence } = pdu;
    const answer = (status: number) =>
      this.write({ command: responseTo(command), status, sequence, body: bodyOfAnswer(command) });
    switch (command) {
      case Command.deliverSm:
      case Command.dataSm:
        return this.receive(pdu, answer);
      case Command.enquireLink:
        return void answer(Status.ok);
      case Command.unbind:
        void answer(Status.ok);
        return this.end(new ProviderFailure('unavailable', 'the message centre ended the connection'));
      case Command.alertNotification:
      case Command.outbind:
        return;
      default:
        void this.write({ command: Command.genericNack, status: Status.unknownCommand, sequence });
    }
  }

  private receive(pdu: Pdu, answer: Answer): void {
    if (this.arriving >= MOST_ARRIVING || this.closing) return void answer(Status.temporary);
    this.arriving += 1;
    this.options.receive(pdu, (status) => {
      this.arriving -= 1;
      return answer(status);
    });
  }

  private write(pdu: Parameters<typeof frame>[0]): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    return new Promise((resolve) => this.socket.write(frame(pdu), (error) => resolve(!error)));
  }

  /** What was written and not answered has an unknown outcome. */
  private end(reason: ProviderFailure): void {
    if (this.ended) return;
    this.ended = reason;
    clearInterval(this.enquiring);
    // What is written yet leaves before the connection does.
    this.socket.end(() => this.socket.destroy());
    setTimeout(() => this.socket.destroy(), this.options.timeoutMs).unref();
    for (const { reject } of [...this.pending.values()])
      reject(new ProviderFailure('outcome-unknown', 'the connection was lost before the answer'));
    this.waiting.splice(0).forEach((go) => go());
    if (!this.closing) this.options.lost(reason);
  }
}

/** A deliver_sm_resp has a message_id, which is empty. */
function bodyOfAnswer(command: number): Buffer {
  return command === Command.deliverSm || command === Command.dataSm ? Buffer.alloc(1) : Buffer.alloc(0);
}
