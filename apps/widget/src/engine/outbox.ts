import type { Memory } from './memory.js';
import type { Platform } from './platform.js';
import type { ChatState, Outgoing, PendingFile, Problem, Store } from './store.js';
import { mediaPart, UploadRefused } from './upload.js';
import type { ClientFrame, Part } from './wire.js';

export interface OutboxPort {
  memory: Memory;
  platform: Platform;
  base: string;
  account: string;
  /** False while it is not sure who the visitor is, or no socket is open. */
  ready(): boolean;
  send(frame: ClientFrame): boolean;
}

const RETRY_MS = 3_000;
/** Messages that may await their answer at once: a long time offline is no flood afterwards. */
const MOST_IN_FLIGHT = 16;

/**
 * What the visitor has written and the gateway has not accepted. Each message keeps its `clientId` until then, so that repeating it is
 * harmless; all but files survive a reload.
 */
export class Outbox {
  /** Messages handed to the socket that is open now. */
  private readonly inFlight = new Set<string>();
  /** Object URLs of pictures sent from this page, by file id: shown until and instead of what the gateway serves. */
  readonly previews = new Map<string, string>();
  private cancelPause: (() => void) | null = null;

  constructor(
    private readonly store: Store<ChatState>,
    private readonly port: OutboxPort,
  ) {}

  add(parts: Part[], files: PendingFile[]): void {
    const message = { clientId: this.port.platform.uuid(), parts, files, at: this.port.platform.now(), progress: 0 };
    const entry: Outgoing = { ...message, state: 'queued' };
    this.store.update({ outgoing: [...this.store.state.outgoing, entry] });
    this.keep(entry);
    this.flush();
  }

  /** Takes in what this or another tab has left behind. */
  adopt(): void {
    const known = new Set(this.store.state.outgoing.map((o) => o.clientId));
    const kept = this.port.memory.outgoing().filter((message) => !known.has(message.clientId));
    if (kept.length === 0) return;
    const entries = kept.map((message): Outgoing => {
      return { ...message, files: [], progress: 1, inherited: true, state: message.problem ? 'failed' : 'queued' };
    });
    this.store.update({ outgoing: [...this.store.state.outgoing, ...entries].sort((a, b) => a.at - b.at) });
  }

  /** Sends all that waits, in order. A file on its way holds up only its own message. */
  flush(): void {
    if (!this.port.ready() || this.cancelPause) return;
    for (const entry of this.store.state.outgoing) {
      if (entry.state === 'failed' || entry.state === 'uploading' || this.inFlight.has(entry.clientId)) continue;
      if (entry.files.length > 0) void this.uploadFiles(entry);
      else if (this.inFlight.size < MOST_IN_FLIGHT) this.transmit(entry);
      else return;
    }
  }

  /**
   * The socket is gone: what it had taken is sent again on the next one. Where the gateway cut it off over a malformed frame (`malformed`),
   * repeating would go on for ever: the visitor decides.
   */
  disconnected(malformed: boolean): void {
    this.inFlight.clear();
    for (const { clientId, state } of this.store.state.outgoing) {
      if (state === 'sending')
        this.change(clientId, malformed ? { state: 'failed', problem: { code: '', detail: '' } } : { state: 'queued' });
    }
  }

  /** Another visitor begins: nothing of the earlier one is awaited. The entries themselves go with the store. */
  reset(): void {
    this.inFlight.clear();
    this.cancelPause?.();
    this.cancelPause = null;
  }

  /** Drops all others, and keeps the rest anew in a memory that has been emptied. */
  keepOnly(wanted: (entry: Outgoing) => boolean): void {
    this.store.update({ outgoing: this.store.state.outgoing.filter(wanted) });
    for (const entry of this.store.state.outgoing) this.keep(entry);
  }

  find(clientId: string): Outgoing | undefined {
    return this.store.state.outgoing.find((o) => o.clientId === clientId);
  }

  /** Accepted, or given up by the visitor. */
  remove(clientId: string): void {
    this.inFlight.delete(clientId);
    this.port.memory.dropOutgoing(clientId);
    if (!this.find(clientId)) return;
    this.store.update({ outgoing: this.store.state.outgoing.filter((o) => o.clientId !== clientId) });
    this.flush();
  }

  /** Not sent, and trying again by itself would not help. */
  fail(clientId: string, problem: Problem): void {
    this.inFlight.delete(clientId);
    this.change(clientId, { state: 'failed', problem });
  }

  /** Not taken now: everything waits `ms`, so that the order stays. */
  postpone(clientId: string, ms: number = RETRY_MS): void {
    this.inFlight.delete(clientId);
    this.change(clientId, { state: 'queued' });
    this.cancelPause?.();
    this.cancelPause = this.port.platform.after(ms, () => {
      this.cancelPause = null;
      this.flush();
    });
  }

  retry(clientId: string): void {
    this.change(clientId, { state: 'queued', problem: undefined });
    this.flush();
  }

  private transmit(entry: Outgoing): void {
    const parts = entry.parts.map((part) => (part.type === 'media' ? { ...part, url: undefined } : part));
    if (!this.port.send({ type: 'message', clientId: entry.clientId, parts })) return;
    this.inFlight.add(entry.clientId);
    this.change(entry.clientId, { state: 'sending' });
  }

  private async uploadFiles({ clientId }: Outgoing): Promise<void> {
    this.change(clientId, { state: 'uploading', progress: 0 });
    const { base, account, memory, platform } = this.port;
    const total = this.find(clientId)!.files.length;
    for (let entry = this.find(clientId); entry?.files[0]; entry = this.find(clientId)) {
      const session = memory.session()?.token ?? '';
      const { files, parts } = entry;
      const done = total - files.length;
      const progress = (share: number) => this.change(clientId, { progress: (done + share) / total });
      try {
        const file = await platform.upload({ base, account, session, file: files[0]!.file, progress });
        const media = mediaPart(file);
        if (files[0]!.preview) this.previews.set(file.id, files[0]!.preview);
        const before = parts.filter((part) => part.type === 'media').length;
        const next = [...parts.slice(0, before), media, ...parts.slice(before)];
        this.change(clientId, { parts: next, files: files.slice(1) });
      } catch (error) {
        if (error instanceof UploadRefused) return this.fail(clientId, error.problem);
        return this.postpone(clientId);
      }
    }
    this.change(clientId, { state: 'queued', progress: 1 });
    this.flush();
  }

  private change(clientId: string, patch: Partial<Outgoing>): void {
    const outgoing = this.store.state.outgoing.map((o) => (o.clientId === clientId ? { ...o, ...patch } : o));
    this.store.update({ outgoing });
    const entry = this.find(clientId);
    if (entry && !('progress' in patch && Object.keys(patch).length === 1)) this.keep(entry);
  }

  private keep({ clientId, parts, files, at, problem }: Outgoing): void {
    if (files.length === 0) this.port.memory.keepOutgoing({ clientId, parts, at, problem });
  }
}
