import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, TLSSocket } from 'node:tls';
import type { Certificate, FakeAnswer, LoggedRequest, Responder } from '#transport/testing';
import type { SocketProvider } from '../../testing/subject.js';
import { decode } from '../coding.js';
import { readMessage, text, Tlv, writeMessage, type ShortMessage } from '../message.js';
import { Command, frame, isResponse, PduReader, responseTo, type Pdu } from '../pdu.js';
import { userDataOf } from '../segments.js';

/** How HTTP's answers are said in SMPP. */
const STATUSES: Readonly<Record<number, number>> = { 400: 0x45, 401: 0x0e, 403: 0x0d, 404: 0x0b, 429: 0x58 };
const NAMES: Readonly<Record<number, string>> = {
  [Command.bindReceiver]: '/bind_receiver',
  [Command.bindTransmitter]: '/bind_transmitter',
  [Command.bindTransceiver]: '/bind_transceiver',
  [Command.submitSm]: '/submit_sm',
};

/** A submit_sm as it came, and the id that it was given. */
export interface Submitted extends ShortMessage {
  readonly id: string;
  /** Decoded, without its header. */
  readonly text: string;
}

export interface SmscOptions {
  readonly tls?: Certificate;
  /** Answers nothing at all from now on, as the far end of a dead line does. */
  silent?: boolean;
}

/** A deliver_sm: what is not named is that of a plain text from a customer. */
export function deliver(message: Partial<ShortMessage>, sequence = 1): Buffer {
  const body = writeMessage({
    source: { ton: 1, npi: 1, address: '4915112345678' },
    destination: { ton: 3, npi: 0, address: '80808' },
    ...{ serviceType: '', esmClass: 0, dataCoding: 0, registeredDelivery: 0, validity: '' },
    ...{ octets: Buffer.alloc(0), tlvs: new Map<number, Buffer>() },
    ...message,
  });
  return frame({ command: Command.deliverSm, sequence, body });
}

/** A message centre on loopback: takes what is submitted, answers by a script, says what it is told to say. */
export class FakeSmsc implements SocketProvider {
  readonly requests: LoggedRequest[] = [];
  readonly submitted: Submitted[] = [];
  /** Every PDU that came, in order. */
  readonly heard: Pdu[] = [];
  private readonly links = new Set<Socket>();
  private readonly awaited = new Map<number, (pdu: Pdu | null) => void>();
  /** Texts of long messages, part by part. */
  private readonly gathering = new Map<string, string[]>();
  private server!: Server;
  private sequence = 1_000;
  private counter = 0;

  private constructor(
    private respond: Responder,
    readonly options: SmscOptions,
  ) {}

  static async start(respond: Responder = () => ({}), options: SmscOptions = {}, port = 0): Promise<FakeSmsc> {
    const smsc = new FakeSmsc(respond, options);
    const { tls } = options;
    smsc.server = tls ? createTls(tls, (link) => smsc.take(link)) : createTcp((link) => smsc.take(link));
    smsc.server.on('tlsClientError', () => undefined);
    await new Promise<void>((done) => smsc.server.listen(port, '127.0.0.1', done));
    return smsc;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smpp://127.0.0.1:${this.port}`;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.links.size;
  }

  answer(respond: Responder): void {
    this.respond = respond;
  }

  cut(): void {
    for (const link of this.links) tear(link);
  }

  async say(octets: Buffer): Promise<boolean> {
    const pdu = await this.ask(octets);
    return pdu !== null && pdu.status === 0;
  }

  /** Says these octets over the newest connection; resolves with the answer to their sequence number, null where the connection ends before. */
  ask(octets: Buffer): Promise<Pdu | null> {
    const link = [...this.links].find((one) => !transmits.has(one));
    if (!link) return Promise.resolve(null);
    const said = Buffer.from(octets);
    const sequence = (this.sequence += 1);
    if (said.length >= 16) said.writeUInt32BE(sequence, 12);
    return new Promise((resolve) => {
      this.awaited.set(sequence, resolve);
      link.once('close', () => resolve(null));
      link.write(said);
    });
  }

  /** A receipt in the words of appendix B, with parameters where they are asked for. */
  receipt(id: string, state: string, { error = '000', tlvs = new Map<number, Buffer>() } = {}): Promise<boolean> {
    const words = `id:${id} sub:001 dlvrd:001 submit date:2611211030 done date:2611211031 stat:${state} err:${error} text:`;
    return this.say(deliver({ esmClass: 0x04, octets: Buffer.from(words), tlvs }));
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((done) => this.server.close(() => done()));
  }

  private take(link: Socket): void {
    this.links.add(link);
    const reader = new PduReader();
    link.on('error', () => undefined);
    link.once('close', () => this.links.delete(link));
    link.on('data', (chunk: Buffer) => {
      try {
        for (const pdu of reader.push(chunk)) void this.hear(pdu, link);
      } catch {
        link.destroy();
      }
    });
  }

  private async hear(pdu: Pdu, link: Socket): Promise<void> {
    this.heard.push(pdu);
    if (this.options.silent) return;
    const { command, sequence } = pdu;
    if (isResponse(command)) {
      this.awaited.get(sequence)?.(pdu);
      this.awaited.delete(sequence);
      return;
    }
    if (command === Command.enquireLink) return void link.write(frame({ command: responseTo(command), sequence }));
    if (command === Command.unbind) return void link.end(frame({ command: responseTo(command), sequence }));
    if (command === Command.bindTransmitter) transmits.add(link);
    const { request, submitted } = this.logged(pdu);
    const answer = await this.respond(request, this.requests.length - 1);
    write(answer, { pdu, link, id: submitted?.id ?? 'smsc' });
  }

  /** What came, in the words of HTTP: a long message is one request, once all of it is there. */
  private logged(pdu: Pdu): { request: LoggedRequest; submitted?: Submitted } {
    const base = { method: 'SMPP', path: NAMES[pdu.command] ?? '/unknown', headers: {} };
    if (pdu.command !== Command.submitSm) {
      const request = { ...base, query: new URLSearchParams(), body: Buffer.from(pdu.body.toString('latin1')) };
      this.requests.push(request);
      return { request };
    }
    const message = readMessage(pdu);
    const { octets, place } = userDataOf(message);
    const decoded = decode(octets, message.dataCoding, { alphabet: 'gsm7' }) ?? '';
    const submitted = { ...message, id: `id-${(this.counter += 1)}`, text: decoded };
    this.submitted.push(submitted);
    const { source, destination, dataCoding, esmClass } = message;
    const query = new URLSearchParams({
      ...{ from: source.address, to: destination.address, ton: `${source.ton}/${destination.ton}` },
      ...{ coding: String(dataCoding), esm: String(esmClass), payload: String(message.tlvs.has(Tlv.payload)) },
    });
    const parts = place ? this.gathered(`${destination.address} ${place.reference}`, place.number, decoded) : [decoded];
    const request = { ...base, query, body: Buffer.from(parts.join('')) };
    if (!place || Object.keys(parts).length === place.total) this.requests.push(request);
    return { request, submitted };
  }

  private gathered(key: string, number: number, part: string): string[] {
    const parts = this.gathering.get(key) ?? [];
    parts[number - 1] = part;
    this.gathering.set(key, parts);
    return parts;
  }
}

/** Connections that are bound to submit alone. */
const transmits = new WeakSet<Socket>();

function write(answer: FakeAnswer, { pdu, link, id }: { pdu: Pdu; link: Socket; id: string }): void {
  const [command, { sequence }] = [responseTo(pdu.command), pdu];
  if (answer === 'hang' || answer === 'drip') return;
  if (answer === 'reset') return tear(link);
  const good = frame({ command, sequence, body: text(id) });
  if (answer === 'reset-mid-body') return void link.write(good.subarray(0, 18), () => tear(link));
  const { status = 200, body } = answer;
  if (Buffer.isBuffer(body)) return void link.write(body);
  const own = (body as { status?: unknown } | undefined)?.status;
  const refused = typeof own === 'number' ? own : status < 300 ? 0 : (STATUSES[status] ?? 0x08);
  // A text in place of an id: an answer that names no message.
  if (refused === 0) return void link.write(typeof body === 'string' ? frame({ command, sequence }) : good);
  link.write(frame({ command, sequence, status: refused, body: text('') }));
}

function tear(link: Socket): void {
  if (link instanceof TLSSocket) link.destroy();
  else link.resetAndDestroy();
}
