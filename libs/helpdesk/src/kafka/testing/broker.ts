import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { freePort, type Certificate, type Sink } from '../../testing/index.js';
import { array, int16, int32, int64, int8, readBatch, Reader, text, type WireRecord } from './wire.js';

/** Requests that the broker knows, with the only version that it takes of each; `ApiVersions` up to 2. */
const KNOWN = { produce: [0, 3], metadata: [3, 1], saslHandshake: [17, 1], apiVersions: [18, 0], initProducerId: [22, 0], saslAuthenticate: [36, 0] } as const; // prettier-ignore

const ERRORS = { unknownTopic: 3, tooLarge: 10, topicDenied: 29, outOfOrder: 45, badCredentials: 58, invalidRecord: 87, fewReplicas: 19 } as const; // prettier-ignore

export interface BrokerOptions {
  /** User names and passwords; nobody has to say who he is where there are none. */
  readonly users: Readonly<Record<string, string>>;
  readonly tls?: Certificate;
}

/** A broker of one node in this process: as much of Kafka as a producer meets. It keeps what it took as long as it lives. */
export class Broker implements Sink {
  /** Set by tests. */
  readonly topics = new Set(['tributary']);
  readonly denied = new Set<string>();
  batchBytes = 100_000;
  replicasMissing = false;
  readonly partitions = 4;
  /** Batches that were taken, with the number of records in each. */
  readonly batches: number[] = [];
  private log: { partition: number; record: WireRecord }[] = [];
  /** Next sequence by producer and partition. */
  private sequences = new Map<string, number>();
  private producers = 0n;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly advertised: number,
    private readonly options: BrokerOptions,
  ) {}

  static async start(advertised: number, options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(await freePort(), advertised, options);
    await broker.start();
    return broker;
  }

  async start(): Promise<void> {
    const serve = (socket: Socket): void => this.serve(socket);
    const { tls } = this.options;
    const server = tls ? createTlsServer(tls, serve).on('tlsClientError', () => {}) : createServer(serve);
    this.server = server;
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
  }

  async stop(wipe = false): Promise<void> {
    const { server } = this;
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
    this.server = undefined;
    if (!wipe) return;
    this.log = [];
    this.sequences = new Map();
  }

  close(): Promise<void> {
    return this.stop();
  }

  taken() {
    const byPartition = [...this.log].sort((a, b) => a.partition - b.partition);
    return Promise.resolve(
      byPartition.map(({ record: { key, value, headers } }) => ({
        ...{ key, id: headers['tributary-id'] ?? '', replay: headers['tributary-replay'] === 'true' },
        body: JSON.parse(value.toString()) as unknown,
      })),
    );
  }

  /** The partitions that hold records of each key. */
  spread(): Map<string, Set<number>> {
    const spread = new Map<string, Set<number>>();
    for (const { partition, record } of this.log)
      spread.set(record.key, (spread.get(record.key) ?? new Set()).add(partition));
    return spread;
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
    const session = { known: Object.keys(this.options.users).length === 0 };
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const end = pending.length < 4 ? Infinity : 4 + pending.readInt32BE(0);
        if (pending.length < end) return;
        const answer = this.answer(new Reader(pending.subarray(4, end)), session);
        pending = pending.subarray(end);
        if (!answer) return void socket.destroy();
        socket.write(Buffer.concat([int32(answer.length), answer]));
      }
    });
  }

  /** The answer to one request; null hangs up. */
  private answer(request: Reader, session: { known: boolean }): Buffer | null {
    const [api, version, correlation] = [request.int16(), request.int16(), request.int32()];
    request.text();
    const of = ([key]: readonly [number, number]): boolean => key === api;
    const body = ((): Buffer | null => {
      if (of(KNOWN.apiVersions)) return versions(version);
      if (of(KNOWN.saslHandshake)) return Buffer.concat([int16(request.text() === 'PLAIN' ? 0 : 33), array([text('PLAIN')])]); // prettier-ignore
      if (of(KNOWN.saslAuthenticate)) return this.authenticate(request.bytes(), session);
      if (!session.known) return null;
      if (of(KNOWN.metadata)) return this.metadata(request.array(() => request.text() ?? ''));
      if (of(KNOWN.initProducerId)) return Buffer.concat([int32(0), int16(0), int64((this.producers += 1n)), int16(0)]);
      return of(KNOWN.produce) ? this.produce(request) : null;
    })();
    return body && Buffer.concat([int32(correlation), body]);
  }

  private authenticate(bytes: Buffer, session: { known: boolean }): Buffer {
    const [, user = '', password] = bytes.toString().split('\0');
    session.known = password !== undefined && this.options.users[user] === password;
    const error = session.known ? 0 : ERRORS.badCredentials;
    return Buffer.concat([int16(error), text(error ? 'Authentication failed' : ''), int32(0)]);
  }

  private metadata(topics: readonly string[]): Buffer {
    const node = Buffer.concat([int32(1), text('127.0.0.1'), int32(this.advertised), int16(-1)]);
    const partition = (id: number) =>
      Buffer.concat([int16(0), int32(id), int32(1), array([int32(1)]), array([int32(1)])]);
    const described = topics.map((topic) => {
      const there = this.topics.has(topic);
      const partitions = there ? Array.from({ length: this.partitions }, (_, id) => partition(id)) : [];
      return Buffer.concat([int16(there ? 0 : ERRORS.unknownTopic), text(topic), int8(0), array(partitions)]);
    });
    return Buffer.concat([array([node]), int32(1), array(described)]);
  }

  private produce(request: Reader): Buffer {
    request.text();
    const acks = request.int16();
    request.int32();
    const answers = request.array(() => {
      const topic = request.text() ?? '';
      const partitions = request.array(() => {
        const partition = request.int32();
        const error = acks === -1 ? this.append(topic, partition, request.bytes()) : ERRORS.invalidRecord;
        return Buffer.concat([int32(partition), int16(error), int64(0n), int64(-1n)]);
      });
      return Buffer.concat([text(topic), array(partitions)]);
    });
    return Buffer.concat([array(answers), int32(0)]);
  }

  /** As Kafka does: what was appended under a sequence before is confirmed and dropped, and a gap is refused. */
  private append(topic: string, partition: number, bytes: Buffer): number {
    if (this.denied.has(topic)) return ERRORS.topicDenied;
    if (this.replicasMissing) return ERRORS.fewReplicas;
    if (bytes.length > this.batchBytes) return ERRORS.tooLarge;
    const { producerId, baseSequence, records } = readBatch(bytes);
    const numbered = `${producerId} ${partition}`;
    const next = this.sequences.get(numbered) ?? 0;
    if (baseSequence < next) return 0;
    if (baseSequence > next) return ERRORS.outOfOrder;
    this.sequences.set(numbered, next + records.length);
    this.batches.push(records.length);
    for (const record of records) this.log.push({ partition, record });
    return 0;
  }
}

function versions(version: number): Buffer {
  const known = Object.values(KNOWN).map(([key, only]) => Buffer.concat([int16(key), int16(only), int16(only)]));
  return Buffer.concat([int16(0), array(known), ...(version > 0 ? [int32(0)] : [])]);
}
