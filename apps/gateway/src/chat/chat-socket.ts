import { CLOSE, MAX_BUFFERED_BYTES, type ServerFrame } from '#channels';
import type { WebSocket } from 'ws';

/** Below this much waiting, history goes on being sent. */
const LOW_WATER = 262_144;
/** A browser that takes nothing for so long while history waits for it is gone. */
const STALLED_MS = 30_000;

/** The sending end of one WebSocket: never holds more than a slow reader may cost. */
export class ChatSocket {
  /** Has anything been heard since the last heartbeat? */
  alive = true;

  constructor(private readonly ws: WebSocket) {}

  get open(): boolean {
    return this.ws.readyState === this.ws.OPEN;
  }

  /** Sends a frame; nothing happens on a socket that is closed. One that does not read is cut off: it resumes by `seq`. */
  send(frame: ServerFrame): void {
    if (!this.open) return;
    this.ws.send(JSON.stringify(frame), noop);
    if (this.ws.bufferedAmount > MAX_BUFFERED_BYTES) this.cut();
  }

  /** Sends a frame as fast as the browser reads. Resolves to false where it does not, and is cut off. */
  async sendPaced(frame: ServerFrame): Promise<boolean> {
    if (!this.open) return false;
    if (this.ws.bufferedAmount < LOW_WATER) {
      this.ws.send(JSON.stringify(frame), noop);
      return true;
    }
    const flushed = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), STALLED_MS);
      this.ws.send(JSON.stringify(frame), (error) => {
        clearTimeout(timer);
        resolve(!error);
      });
    });
    if (!flushed) this.cut();
    return flushed && this.open;
  }

  ping(): void {
    if (this.open) this.ws.ping(undefined, undefined, noop);
  }

  close(code: keyof typeof CLOSE, reason: string): void {
    if (this.open) this.ws.close(CLOSE[code], reason);
  }

  /** Without a farewell, which would only wait behind the rest. */
  cut(): void {
    this.ws.terminate();
  }
}

/** What goes wrong while writing ends in `close`, which is handled there. */
function noop(): void {}
