import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Message, StreamEvent } from '#normalizer';
import type { ChatMessage } from '../../../libs/channels/src/webchat/protocol.js';
import type { FakeChatServer, Visitor } from './fake-chat-server.js';
import { body, multipartFile } from './multipart.js';

const PAGES: Record<string, string> = {
  '/demo': 'index.html',
  '/demo/shop': 'shop.html',
  '/demo/demo.js': 'demo.js',
  '/demo/demo.css': 'demo.css',
  '/demo/shop.js': 'shop.js',
  '/demo/shop.css': 'shop.css',
};
const TYPES: Record<string, string> = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css' };

/** The demo helpdesk's HTTP API over a fake chat server, as the head of apps/demo/page/demo.ts writes it down. */
export class FakeHelpdesk {
  readonly events: StreamEvent[] = [];
  private readonly listeners = new Set<ServerResponse>();
  private readonly closed = new Set<string>();
  private readonly sequences = new Map<string, number>();

  constructor(
    private readonly chat: FakeChatServer,
    private readonly folder: string,
  ) {
    chat.onStored = (visitor, message) => this.stored(visitor, message);
    chat.onTyping = (visitor, on) => this.publish(visitor, on ? 'typing.started' : 'typing.stopped');
    chat.routes.push((request, response) => this.answer(request, response));
  }

  private stored(visitor: Visitor, message: ChatMessage): void {
    const first = !this.sequences.has(visitor.threadId);
    if (first) this.publish(visitor, 'contact.created');
    if (first) this.publish(visitor, 'conversation.opened');
    if (message.from === 'me') {
      if (message.status === 'sent') this.publish(visitor, 'message.received', message);
      return;
    }
    if (message.status === 'sent') this.publish(visitor, 'message.queued', message);
    this.publish(visitor, `message.${message.status}` as StreamEvent['type'], message);
  }

  private publish(visitor: Visitor, type: StreamEvent['type'], message?: ChatMessage): void {
    const live = type.startsWith('typing.');
    const counted = !live && !type.startsWith('contact.');
    const sequence = counted ? (this.sequences.get(visitor.threadId) ?? 0) + 1 : null;
    if (sequence !== null) this.sequences.set(visitor.threadId, sequence);
    const data = {
      conversation: type.startsWith('contact.') ? undefined : this.conversation(visitor),
      contact: this.contact(visitor),
      account: { id: 'web', channel: 'webchat', name: 'Web chat' },
      message: message && unified(visitor, message, type),
    };
    const id = `evt_${String(this.events.length + 1).padStart(6, '0')}`;
    const event: StreamEvent = { id, type, timestamp: new Date().toISOString(), sequence, data };
    if (!live) this.events.push(event);
    for (const listener of this.listeners) tell(listener, event);
  }

  private conversation(visitor: Visitor) {
    const status = this.closed.has(visitor.threadId) ? ('closed' as const) : ('open' as const);
    const rest = { subject: null, priority: 'normal' as const, queue: null, tags: [], metadata: {}, references: [] };
    return {
      id: `cnv_${visitor.threadId}`,
      status,
      ...rest,
      threads: [{ id: visitor.threadId, accountId: 'web', channel: 'webchat' }],
    };
  }

  private contact(visitor: Visitor) {
    const handle = { scheme: 'visitor', scope: 'web', value: `vis_01J9${visitor.threadId}`, proof: 'channel' as const };
    return {
      id: `con_${visitor.threadId}`,
      name: visitor.user?.name ?? null,
      handles: [handle],
      company: null,
      crm: null,
    };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { pathname } = new URL(request.url ?? '/', this.chat.url);
    const file = PAGES[pathname];
    if (file) {
      const type = TYPES[file.split('.').pop() ?? ''] ?? 'text/plain';
      response.writeHead(200, { 'content-type': type }).end(await readFile(join(this.folder, file)));
      return true;
    }
    if (pathname === '/demo/helpdesk/stream') return this.stream(request, response);
    if (pathname === '/demo/helpdesk/conversations') return json(response, 200, { items: [] });
    if (pathname === '/demo/helpdesk/files')
      return json(response, 201, this.chat.keep(multipartFile(await body(request))!));
    const [, threadId, action] = /^\/demo\/helpdesk\/conversations\/cnv_(\w+?)(?:\/(\w+))?$/.exec(pathname) ?? [];
    const visitor = this.chat.visitors.find((v) => v.threadId === threadId);
    if (!visitor) return false;
    return this.act(visitor, action, { request, response });
  }

  private async act(
    visitor: Visitor,
    action: string | undefined,
    http: { request: IncomingMessage; response: ServerResponse },
  ) {
    const content = JSON.parse(String(await body(http.request)) || '{}') as {
      text?: string;
      parts?: ChatMessage['parts'];
      status?: string;
    };
    if (action === 'typing') {
      this.chat.typing(true, visitor);
      return json(http.response, 204, null);
    }
    if (action === 'messages') {
      const parts = content.parts?.map((part) =>
        part.type === 'media' ? { ...part, url: `/files/${part.fileId}`, state: 'ready' as const } : part,
      );
      return json(
        http.response,
        202,
        unified(visitor, this.chat.say(parts ?? content.text ?? '', { visitor }), 'message.queued'),
      );
    }
    if (content.status === 'closed') this.closed.add(visitor.threadId);
    else this.closed.delete(visitor.threadId);
    this.publish(visitor, content.status === 'closed' ? 'conversation.closed' : 'conversation.reopened');
    return json(http.response, 200, this.conversation(visitor));
  }

  private stream(request: IncomingMessage, response: ServerResponse): boolean {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(':\n\n');
    for (const event of this.events) tell(response, event);
    this.listeners.add(response);
    request.on('close', () => this.listeners.delete(response));
    return true;
  }
}

function unified(visitor: Visitor, message: ChatMessage, type: StreamEvent['type']): Message {
  const inbound = message.from === 'me';
  const author = inbound
    ? { kind: 'contact' as const, id: `con_${visitor.threadId}`, name: visitor.user?.name ?? null }
    : { kind: 'agent' as const, id: 'agt_mia', name: message.name };
  return {
    id: message.id,
    conversationId: `cnv_${visitor.threadId}`,
    threadId: visitor.threadId,
    sequence: message.seq,
    direction: inbound ? 'inbound' : 'outbound',
    author,
    parts: message.parts,
    text: message.text,
    replyTo: null,
    status: type.replace('message.', '') as Message['status'],
    occurredAt: message.at,
    receivedAt: message.at,
    externalIds: [],
  };
}

function tell(listener: ServerResponse, event: StreamEvent): void {
  const data = { event, verified: true, receivedAt: new Date().toISOString(), replay: false };
  listener.write(`event: stream\nid: ${event.id}\ndata: ${JSON.stringify(data)}\n\n`);
}

function json(response: ServerResponse, status: number, content: unknown): boolean {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(content === null ? undefined : JSON.stringify(content));
  return true;
}
