import { finished } from 'node:stream';
import { ProviderFailure } from '#normalizer';
import { axiosEngine } from './axios-engine.js';
import { Stop, type Call, type Engine, type Head } from './engine.js';
import { BlockedAddress, addressGuard, guardedConnector, type Resolve } from './guard.js';
import type { Http, HttpRequest, HttpResponse, HttpStream } from './http.js';
import { payload, target } from './payload.js';
import { redact, type Exchange } from './redact.js';
import { Reply, ceiling, tooLarge } from './reply.js';
import { undiciEngine } from './undici-engine.js';

export interface TraceOptions {
  /** Is handed every exchange once it is over, with secrets and message bodies taken out. Must not throw. */
  readonly trace?: (exchange: Exchange) => void;
  /** Is this exchange to be traced at all? Asked once it is over, before its bodies are gone through. Default: always. */
  readonly wanted?: (failed: boolean) => boolean;
  /** Values that must appear in no trace, wherever they stand: the account's secrets. */
  readonly secrets?: readonly string[];
}

export interface GuardedHttpOptions extends TraceOptions {
  /** Addresses and CIDR ranges that are reached although they are private: `network.allow` of the settings. */
  readonly allow?: readonly string[];
  /** `axios` by default; `undici` for webhook delivery. Both behave the same, but that undici takes a `100 Continue` which nobody asked for as the end. */
  readonly engine?: 'axios' | 'undici';
  /** Milliseconds until an answer begins (15 s), and until it is complete (20 s). */
  readonly limits?: { readonly answerMs?: number; readonly totalMs?: number };
  readonly resolve?: Resolve;
}

/** A guarded client with its pool of connections. One per process and engine; `traced` gives each account its own view of it. */
export interface GuardedHttp extends Http {
  traced(options: TraceOptions): Http;
  close(): Promise<void>;
}

/** Makes the client that all outgoing requests go through. See `Http` for what it promises, `addressGuard` for what it refuses. */
export function guardedHttp(options: GuardedHttpOptions = {}): GuardedHttp {
  const connect = guardedConnector(addressGuard(options.allow), options.resolve);
  const engine = options.engine === 'undici' ? undiciEngine(connect) : axiosEngine(connect);
  const limits = { answerMs: 15_000, totalMs: 20_000, ...options.limits };
  const client = (tracing: TraceOptions) => new Client({ engine, limits, tracing });
  return Object.assign(client(options), { traced: client, close: () => engine.close() });
}

/** What every exchange of one client shares. */
interface Means {
  readonly engine: Engine;
  readonly limits: { readonly answerMs: number; readonly totalMs: number };
  readonly tracing: TraceOptions;
}

class Client implements Http {
  constructor(private readonly means: Means) {}

  async request(request: HttpRequest): Promise<HttpResponse> {
    const attempt = new Attempt(request, this.means);
    const { maxBytes = 1_048_576, overflow } = request;
    try {
      const answer = await this.means.engine.whole(await attempt.call(), maxBytes);
      if (answer.cut && overflow !== 'cut') throw tooLarge(maxBytes);
      attempt.over(answer, answer.body);
      return new Reply(answer.status, answer.headers, answer.body);
    } catch (error) {
      throw attempt.failed(error);
    }
  }

  async stream(request: HttpRequest): Promise<HttpStream> {
    const limits = { ...this.means.limits, totalMs: 300_000 };
    const attempt = new Attempt(request, { ...this.means, limits });
    try {
      const { status, headers, stream } = await this.means.engine.open(await attempt.call());
      const limited = ceiling(stream, request);
      stream.once('error', (error) => limited.destroy(attempt.failed(error)));
      finished(limited, (error) => {
        stream.destroy();
        if (error) attempt.failed(error);
        else attempt.over({ status, headers }, undefined);
      });
      return { status, headers, stream: limited };
    } catch (error) {
      throw attempt.failed(error);
    }
  }
}

/** One exchange: its deadlines, whether it was written, its trace, and what its failure means. */
class Attempt {
  private readonly started = Date.now();
  private readonly stop = new Stop();
  private timers: readonly NodeJS.Timeout[] = [];
  private readonly onAbort = () => this.stop.now(new Error('given up by the caller'));
  private url?: URL;
  private body?: Buffer;
  private headers: Record<string, string> = {};
  private written = false;
  private reported = false;

  constructor(
    private readonly request: HttpRequest,
    private readonly means: Means,
  ) {}

  /** What the engine is to do. */
  async call(): Promise<Call> {
    const { request, stop } = this;
    const { limits } = this.means;
    const url = (this.url = target(request));
    const made = payload(request, url);
    const [headers, body] = made instanceof Promise ? await made : made;
    [this.headers, this.body] = [headers, body];
    const toAnswer = this.deadline(request.timeoutMs ?? limits.answerMs, 'no answer within');
    this.timers = [toAnswer, this.deadline(request.timeoutMs ?? limits.totalMs, 'no complete answer within')];
    if (request.signal?.aborted) this.onAbort();
    else request.signal?.addEventListener('abort', this.onAbort, { once: true });
    return {
      method: request.method ?? 'GET',
      url,
      headers,
      body,
      stop,
      written: () => (this.written = true),
      answered: () => clearTimeout(toAnswer),
    };
  }

  over(answer: Head, body: Buffer | undefined): void {
    this.end();
    this.report({ status: answer.status, headers: answer.headers, body: body ?? null }, null);
  }

  failed(error: unknown): ProviderFailure {
    this.end();
    const failure = error instanceof ProviderFailure ? error : this.classify(error);
    this.report(null, failure);
    return failure;
  }

  private classify(error: unknown): ProviderFailure {
    const reason = this.stop.reason ?? error;
    const blocked = causes(reason).find((cause) => cause instanceof BlockedAddress);
    if (blocked) return new ProviderFailure('config-invalid', blocked.message);
    const code = causes(reason).find((cause) => typeof cause.code === 'string')?.code;
    const detail = this.stop.reason?.message ?? code ?? 'connection failed';
    return this.written
      ? new ProviderFailure('outcome-unknown', `${this.url?.host}: the request was written, then: ${detail}`, {
          providerCode: code,
        })
      : new ProviderFailure('unavailable', `${this.url?.host} cannot be reached: ${detail}`, { providerCode: code });
  }

  private deadline(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(() => this.stop.now(new Error(`${what} ${ms} ms`)), ms);
  }

  private end(): void {
    this.timers.forEach(clearTimeout);
    this.request.signal?.removeEventListener('abort', this.onAbort);
  }

  private report(
    response: { status: number; headers: Record<string, string>; body: Buffer | null } | null,
    failure: ProviderFailure | null,
  ): void {
    const { trace, wanted, secrets = [] } = this.means.tracing;
    if (!trace || this.reported) return;
    this.reported = true;
    if (wanted && !wanted(failure !== null || response!.status >= 400)) return;
    const exchange = {
      at: this.started,
      durationMs: Date.now() - this.started,
      request: {
        method: this.request.method ?? 'GET',
        url: this.url?.href ?? '',
        headers: this.headers,
        body: this.body ?? null,
      },
      response,
      failure: failure && { code: failure.code, message: failure.message },
    };
    trace(redact(exchange, secrets));
  }
}

/** An error and what caused it. Told by shape: errors of Node's own may belong to another realm than ours. */
function causes(error: unknown): NodeJS.ErrnoException[] {
  const chain: NodeJS.ErrnoException[] = [];
  for (let at = error; typeof at === 'object' && at !== null && chain.length < 8; at = (at as Error).cause) {
    chain.push(at as NodeJS.ErrnoException);
  }
  return chain;
}
