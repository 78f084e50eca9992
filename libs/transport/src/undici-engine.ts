import { Readable } from 'node:stream';
import { Agent, type Dispatcher, type buildConnector } from 'undici';
import { flatHeaders, type Answer, type Call, type Engine } from './engine.js';

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

/** Follows one exchange and settles `answered` with its head. */
function exchange(call: Call, answered: { resolve(answer: Answer): void; reject(error: Error): void }) {
  let body: AnswerBody | undefined;
  let stop: (() => void) | undefined;
  const done = () => stop && call.signal.removeEventListener('abort', stop);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      stop = () => controller.abort(call.signal.reason as Error);
      if (call.signal.aborted) return stop();
      call.signal.addEventListener('abort', stop, { once: true });
      call.written();
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) return;
      body = new AnswerBody(controller);
      answered.resolve({ status, headers: flatHeaders(headers), stream: body });
    },
    onResponseData(_controller, chunk) {
      body?.feed(chunk);
    },
    onResponseEnd() {
      done();
      body?.end();
    },
    onResponseError(_controller, error) {
      done();
      if (body) body.destroy(error);
      else answered.reject(error);
    },
  };
  return handler;
}

/** The engine of the measured hot path, webhook delivery: undici costs a seventh of axios per request. */
export function undiciEngine(connect: buildConnector.connector): Engine {
  const agent = new Agent({ connect, connections: 256, headersTimeout: 0, bodyTimeout: 0 });
  return {
    open: (call) =>
      new Promise((resolve, reject) => {
        const whileWaiting = () => reject(call.signal.reason as Error);
        call.signal.addEventListener('abort', whileWaiting, { once: true });
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            call.signal.removeEventListener('abort', whileWaiting);
            then(value);
          };
        agent.dispatch(
          {
            origin: call.url.origin,
            path: call.url.pathname + call.url.search,
            method: call.method as Dispatcher.HttpMethod,
            headers: call.headers,
            body: call.body,
          },
          exchange(call, { resolve: settle(resolve), reject: settle(reject) }),
        );
      }),
    close: () => agent.destroy(),
  };
}
