import { Readable } from 'node:stream';
import { Agent, type Dispatcher, type buildConnector } from 'undici';
import { flatHeaders, type Answer, type Call, type Engine, type Head, type WholeAnswer } from './engine.js';

/** The body of an answer: pauses the connection while nobody reads, and drops it when it is destroyed before the end. */
class AnswerBody extends Readable {
  private ended = false;

  constructor(private readonly controller: Dispatcher.DispatchController) {
    super();
  }

  override _read(): void {
    if (this.controller.paused) this.controller.resume();
  }

  feed(chunk: Buffer): void {
    if (!this.push(chunk)) this.controller.pause();
  }

  end(): void {
    this.ended = true;
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.ended) this.controller.abort(error ?? new Error('the rest of the answer was not wanted'));
    done(error);
  }
}

/** What a kind of exchange makes of an answer. Each is called at most once, `data` as often as there is some, and one of `end` and `fail` last. */
interface Receiver {
  head(head: Head, controller: Dispatcher.DispatchController): void;
  data(chunk: Buffer, controller: Dispatcher.DispatchController): void;
  end(): void;
  fail(error: Error): void;
}

/** Follows one exchange. */
class Exchange implements Dispatcher.DispatchHandler {
  private headed = false;

  constructor(
    private readonly call: Call,
    private readonly receiver: Receiver,
  ) {
    call.stop.by((reason) => this.receiver.fail(reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { stop } = this.call;
    stop.by((reason) => controller.abort(reason));
    if (!stop.reason) this.call.written();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, unknown>>,
  ): void {
    if (status < 200 || this.headed) return;
    this.headed = true;
    this.call.answered();
    this.receiver.head({ status, headers: flatHeaders(headers) }, controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.receiver.data(chunk, controller);
  }

  onResponseEnd(): void {
    this.call.stop.by(undefined);
    this.receiver.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.call.stop.by(undefined);
    this.receiver.fail(error);
  }
}

/** The answer as a stream. */
class Streaming implements Receiver {
  private body: AnswerBody | undefined;

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  head(head: Head, controller: Dispatcher.DispatchController): void {
    this.body = new AnswerBody(controller);
    this.resolve({ status: head.status, headers: head.headers, stream: this.body });
  }

  data(chunk: Buffer): void {
    this.body?.feed(chunk);
  }

  end(): void {
    this.body?.end();
  }

  fail(error: Error): void {
    if (this.body) this.body.destroy(error);
    else this.reject(error);
  }
}

/** The answer in memory, without the cost of a stream. */
class Collecting implements Receiver {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private answer: Head | undefined;

  constructor(
    private readonly max: number,
    private readonly resolve: (answer: WholeAnswer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  head(head: Head): void {
    this.answer = head;
  }

  data(chunk: Buffer, controller: Dispatcher.DispatchController): void {
    this.size += chunk.length;
    this.chunks.push(chunk);
    if (this.size <= this.max) return;
    this.over(true);
    controller.abort(new Error('the rest of the answer was not wanted'));
  }

  end(): void {
    this.over(false);
  }

  fail(error: Error): void {
    this.reject(error);
  }

  private over(cut: boolean): void {
    const body = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    const { status, headers } = this.answer!;
    this.resolve({ status, headers, body: cut ? body.subarray(0, this.max) : body, cut });
  }
}

/** The engine of the measured hot path, webhook delivery: undici costs a seventh of axios per request. */
export function undiciEngine(connect: buildConnector.connector): Engine {
  const agent = new Agent({ connect, connections: 256, headersTimeout: 0, bodyTimeout: 0 });
  const dispatch = (call: Call, receiver: Receiver): void => {
    const { origin, pathname, search } = call.url;
    const method = call.method as Dispatcher.HttpMethod;
    const { headers, body } = call;
    agent.dispatch({ origin, path: pathname + search, method, headers, body }, new Exchange(call, receiver));
  };
  return {
    open: (call) => new Promise((resolve, reject) => dispatch(call, new Streaming(resolve, reject))),
    whole: (call, max) => new Promise((resolve, reject) => dispatch(call, new Collecting(max, resolve, reject))),
    close: () => agent.destroy(),
  };
}
