import pg from 'pg';

/** Repeats of one hint within this time are folded into one. */
const FOLD_MS = 20;
const RETRY_MS = { first: 100, most: 2_000 };

/** NOTIFY takes at most 8,000 bytes; a longer hint travels without its payload. https://www.postgresql.org/docs/current/sql-notify.html */
const PAYLOAD_LIMIT = 7_900;
const CHANNEL = 'tributary_hint';

export type HintListener = (payload: string) => void;

/** Hints within this process: all that the embedded database needs. */
export class LocalHints {
  readonly #listeners = new Map<string, Set<HintListener>>();

  constructor(protected readonly log: (message: string) => void) {}

  hint(channel: string, payload: string): void {
    queueMicrotask(() => this.deliver(channel, payload));
  }

  onHint(channel: string, listener: HintListener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  protected deliver(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(payload);
      } catch (error) {
        this.log(`a listener for hints on ${channel} failed: ${String(error)}`);
      }
    }
  }
}

/** Hints between processes over LISTEN and NOTIFY, on a connection of their own that comes back by itself. */
export class PostgresHints extends LocalHints {
  readonly #url: string;
  readonly #pending = new Set<string>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #flushed = 0;
  #delay = RETRY_MS.first;
  #closed = false;

  constructor(url: string, log: (message: string) => void) {
    super(log);
    this.#url = url;
  }

  /** Resolves after the first attempt, whatever came of it. */
  async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'tributary-hints',
      connectionTimeoutMillis: RETRY_MS.most,
      keepAlive: true,
    });
    client.on('error', () => {});
    client.once('end', () => this.#lost(client));
    client.on('notification', ({ processId, payload = '' }) => {
      if (processId === (client as unknown as { processID: number }).processID) return;
      const end = payload.indexOf('\n');
      this.deliver(payload.slice(0, end), payload.slice(end + 1));
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      this.#client = client;
      this.#delay = RETRY_MS.first;
      if (this.#closed) await client.end();
    } catch {
      this.#lost(client);
    }
  }

  override hint(channel: string, payload: string): void {
    super.hint(channel, payload);
    const message = `${channel}\n${payload}`;
    this.#pending.add(Buffer.byteLength(message) > PAYLOAD_LIMIT ? `${channel}\n` : message);
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#flushed + FOLD_MS - Date.now()));
  }

  override async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    await super.close();
    await this.#client?.end().catch(() => undefined);
  }

  #flush(): void {
    this.#timer = undefined;
    this.#flushed = Date.now();
    const messages = [...this.#pending];
    this.#pending.clear();
    this.#client
      ?.query(`select pg_notify('${CHANNEL}', message) from unnest($1::text[]) as message`, [messages])
      .catch(() => undefined);
  }

  #lost(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
    if (this.#closed || this.#retry) return;
    void client.end().catch(() => undefined);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        void this.connect();
      },
      this.#delay * (0.5 + Math.random()),
    );
    this.#delay = Math.min(this.#delay * 2, RETRY_MS.most);
  }
}
