import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ChatMessage, ClientFrame, ServerFrame } from '../../../libs/channels/src/webchat/protocol.js';
import { body, multipartFile } from './multipart.js';

type Part = ChatMessage['parts'][number];

/** One visitor as the fake gateway keeps it: what it was told, what it has stored. */
export interface Visitor {
  token: string;
  threadId: string;
  user: { id: string; name: string | null } | null;
  messages: ChatMessage[];
  readUpTo: number;
  deliveredUpTo: number;
}

export interface StoredFile {
  id: string;
  name: string;
  mimeType: string;
  bytes: Buffer;
}

export type Route = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/**
 * A gateway of the web chat that lives in memory, for tests and for work on the widget: sessions, `seq`, resuming, repeats by `clientId`,
 * uploads, typing and receipts as the protocol says, and faults on demand. What it stores outlives `crash()`.
 */
export class FakeChatServer {
  readonly visitors: Visitor[] = [];
  readonly files = new Map<string, StoredFile>();
  /** Every frame that browsers have sent. */
  readonly frames: ClientFrame[] = [];
  /** Faults and limits, to be set at will. */
  readonly faults = { acceptAfterMs: 0, swallowAccepted: false, refuse: false, uploadStatus: 0, silent: false };
  readonly limits = { text: 20_000, fileBytes: 2_000_000, mimeTypes: ['image/*', 'text/plain', 'application/pdf'] };
  /** Further paths, asked in order before 404. */
  readonly routes: Route[] = [];
  /** Called with each stored message and each change of status. */
  onStored: (visitor: Visitor, message: ChatMessage) => void = () => undefined;
  onTyping: (visitor: Visitor, on: boolean) => void = () => undefined;
  private readonly sockets = new Map<WebSocket, Visitor | null>();
  private server: Server | null = null;
  private port = 0;
  private counter = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens on a free port; after a crash on the same one again. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    const sockets = new WebSocketServer({ server, path: '/chat' });
    sockets.on('connection', (socket) => {
      this.sockets.set(socket, null);
      socket.on('message', (data) => this.receive(socket, JSON.parse(String(data)) as ClientFrame));
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** As kill -9 would: sockets die without a close frame, nobody listens. */
  async crash(): Promise<void> {
    for (const socket of this.sockets.keys()) socket.terminate();
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  /** The only visitor, or the latest one. */
  get visitor(): Visitor {
    const latest = this.visitors.at(-1);
    if (!latest) throw new Error('nobody has connected yet');
    return latest;
  }

  texts(visitor: Visitor = this.visitor): string[] {
    return visitor.messages.filter((m) => m.from === 'me').map((m) => m.text);
  }

  /** The helpdesk writes. */
  say(
    content: string | Part[],
    { name = 'Mia Wong', from = 'agent' as ChatMessage['from'], visitor = this.visitor } = {},
  ): ChatMessage {
    const parts: Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return this.store(visitor, { from, name, parts });
  }

  /** The helpdesk types, or has read the visitor's messages. */
  typing(on: boolean, visitor: Visitor = this.visitor): void {
    this.broadcast(visitor, { type: 'typing', on, name: 'Mia Wong' });
  }

  readByHelpdesk(visitor: Visitor = this.visitor): void {
    for (const message of visitor.messages) if (message.from === 'me') this.raise(visitor, message, 'read');
  }

  private receive(socket: WebSocket, frame: ClientFrame): void {
    this.frames.push(frame);
    if (this.faults.silent) return;
    const visitor = this.sockets.get(socket);
    if (frame.type === 'hello') return this.hello(socket, frame);
    if (frame.type === 'ping') return send(socket, { type: 'pong' });
    if (!visitor) return socket.close(4_400);
    if (frame.type === 'message') this.accept(socket, visitor, frame);
    if (frame.type === 'typing') this.onTyping(visitor, frame.on);
    if (frame.type === 'identify') this.identify(socket, visitor, frame.token);
    if (frame.type === 'ack') this.acknowledge(visitor, frame);
  }

  private hello(socket: WebSocket, frame: Extract<ClientFrame, { type: 'hello' }>): void {
    if (frame.account !== 'web') {
      send(socket, { type: 'error', code: 'account-unknown', detail: 'there is no such account' });
      return socket.close(4_403);
    }
    const known = this.visitors.find((v) => v.token === frame.session);
    const visitor = known ?? this.newVisitor(null);
    this.welcome(socket, visitor, { fresh: !known, after: known ? frame.after : 0 });
  }

  private welcome(socket: WebSocket, visitor: Visitor, { fresh = false, after = 0 } = {}): void {
    this.sockets.set(socket, visitor);
    const { token, threadId, user, messages, readUpTo } = visitor;
    const unread = messages.filter((m) => m.from !== 'me' && m.seq > readUpTo).length;
    const counts = { last: messages.length, unread, readUpTo, reconnect: { minMs: 20, maxMs: 60 } };
    send(socket, { type: 'welcome', session: token, threadId, fresh, user, ...counts, limits: this.limits });
    for (const message of messages) if (message.seq > after) send(socket, message);
    send(socket, { type: 'caught-up', last: messages.length });
  }

  /** A token of the fake is the `sub` itself; `bad` is not valid. */
  private identify(socket: WebSocket, visitor: Visitor, sub: string): void {
    if (sub === 'bad')
      return send(socket, { type: 'error', code: 'identity-invalid', detail: 'the signature is wrong' });
    if (visitor.user?.id === sub) return this.welcome(socket, visitor);
    const user = { id: sub, name: sub };
    if (visitor.user === null && !this.visitors.some((v) => v.user?.id === sub)) {
      visitor.user = user;
      return this.welcome(socket, visitor);
    }
    const other = this.visitors.find((v) => v.user?.id === sub) ?? this.newVisitor(user);
    this.welcome(socket, other, { fresh: true });
  }

  private newVisitor(user: Visitor['user']): Visitor {
    const n = ++this.counter;
    const visitor = { token: `session-${n}`, threadId: `thr_${n}`, user, messages: [], readUpTo: 0, deliveredUpTo: 0 };
    this.visitors.push(visitor);
    return visitor;
  }

  private accept(socket: WebSocket, visitor: Visitor, frame: Extract<ClientFrame, { type: 'message' }>): void {
    const { clientId, parts } = frame;
    if (this.faults.refuse) {
      return send(socket, {
        type: 'refused',
        clientId,
        code: 'content-refused',
        detail: 'the message holds a forbidden word',
      });
    }
    const earlier = visitor.messages.find((m) => m.clientId === clientId);
    const signed = parts.map((part) => this.withUrl(part));
    const message = earlier ?? this.store(visitor, { clientId, from: 'me', name: null, parts: signed }, socket);
    if (this.faults.swallowAccepted) return;
    const { id, seq, at } = message;
    setTimeout(() => send(socket, { type: 'accepted', clientId, id, seq, at }), this.faults.acceptAfterMs);
  }

  private withUrl(part: Part): Part {
    return part.type === 'media' && part.fileId ? { ...part, url: `/files/${part.fileId}` } : part;
  }

  private store(
    visitor: Visitor,
    message: Pick<ChatMessage, 'from' | 'name' | 'parts' | 'clientId'>,
    except?: WebSocket,
  ): ChatMessage {
    const text = message.parts.map((p) => ('text' in p ? p.text : 'label' in p ? p.label : `[${p.type}]`)).join('\n');
    const common = { type: 'message', status: 'sent', at: new Date().toISOString() } as const;
    const seq = visitor.messages.length + 1;
    const stored: ChatMessage = { ...common, ...message, seq, id: `msg_${visitor.threadId}_${seq}`, text };
    visitor.messages.push(stored);
    this.broadcast(visitor, stored, except);
    this.onStored(visitor, stored);
    return stored;
  }

  private acknowledge(visitor: Visitor, { delivered = 0, read = 0 }: Extract<ClientFrame, { type: 'ack' }>): void {
    visitor.deliveredUpTo = Math.max(visitor.deliveredUpTo, delivered);
    visitor.readUpTo = Math.max(visitor.readUpTo, read);
    for (const message of visitor.messages) {
      if (message.from === 'me') continue;
      if (message.seq <= visitor.readUpTo) this.raise(visitor, message, 'read');
      else if (message.seq <= visitor.deliveredUpTo) this.raise(visitor, message, 'delivered');
    }
  }

  private raise(visitor: Visitor, message: ChatMessage, status: ChatMessage['status']): void {
    if (message.status === status || message.status === 'read') return;
    message.status = status;
    this.broadcast(visitor, { type: 'status', id: message.id, seq: message.seq, status });
    this.onStored(visitor, message);
  }

  private broadcast(visitor: Visitor, frame: ServerFrame, except?: WebSocket): void {
    for (const [socket, owner] of this.sockets) if (owner === visitor && socket !== except) send(socket, frame);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    if (pathname === '/chat/files') return this.upload(request, response);
    const file = this.files.get(pathname.replace('/files/', ''));
    if (file) return void response.writeHead(200, { 'content-type': file.mimeType }).end(file.bytes);
    for (const route of this.routes) if (await route(request, response)) return;
    response.writeHead(404).end();
  }

  private async upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = multipartFile(await body(request));
    const status = this.faults.uploadStatus || (file ? 201 : 422);
    const answer = status === 201 ? this.keep(file!) : { title: 'Refused', status, detail: 'the file looks dangerous' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  /** Takes a file over, as an upload would. */
  keep({ name, mimeType, bytes }: Omit<StoredFile, 'id'>) {
    const id = `fil_${this.files.size + 1}`;
    this.files.set(id, { id, name, mimeType, bytes });
    const kind = mimeType.startsWith('image/') ? ('image' as const) : ('file' as const);
    return { id, url: `/files/${id}`, mimeType, bytes: bytes.length, name, kind };
  }
}

function send(socket: WebSocket, frame: ServerFrame): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame));
}
