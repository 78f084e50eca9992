import { Files, type StoredFile } from '#conversations';
import type { Database } from '#database';
import { Controller, HttpCode, Inject, Options, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { Directory } from '../directory/index.js';
import { receiveUpload } from '../files/uploads.js';
import { DATABASE } from '../tokens.js';
import { chatAccount, type ChatAccount } from './chat-account.js';
import { ownerOf } from './chat-inbox.js';
import { ChatLimits } from './chat-limits.js';
import { CHAT_OPTIONS, type ChatOptions } from './chat-options.js';
import { ChatPrechat } from './chat-prechat.js';
import { originAllowed } from './chat-origin.js';
import { Sessions } from './chat-session.js';
import { clientAddress } from './client-address.js';

/** `POST /chat/files?account=`: a visitor's upload, which only the same visitor can send. */
@Controller('chat/files')
export class ChatFilesController {
  private readonly address: ReturnType<typeof clientAddress>;

  // eslint-disable-next-line max-params
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Files) private readonly files: Files,
    @Inject(Directory) private readonly directory: Directory,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(ChatLimits) private readonly limits: ChatLimits,
    @Inject(ChatPrechat) private readonly prechat: ChatPrechat,
    @Inject(CHAT_OPTIONS) private readonly options: ChatOptions,
  ) {
    this.address = clientAddress(options.trustedProxies);
  }

  /** What browsers ask before they post from another origin. */
  @Options()
  @HttpCode(204)
  preflight(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    this.admit(request, reply);
    void reply.headers({
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': '600',
    });
  }

  @Post()
  @HttpCode(201)
  async upload(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<StoredFile> {
    const account = this.admit(request, reply);
    const { id, config } = account;
    const token = /^Bearer +(\S{1,4096}) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const session = await this.sessions.read(token, id);
    if (!session) throw new Refusal('unauthenticated', 'the chat session is missing, expired, or of another chat');
    const bytes = Math.min(Number(request.headers['content-length'] ?? Infinity), this.files.maxBytes);
    const waitMs = await this.limits.upload(session.visitorId, this.address(request.raw), bytes);
    if (waitMs > 0) throw new Refusal('rate-limited', 'too many uploads', { retryAfterS: Math.ceil(waitMs / 1_000) });
    if ((await this.prechat.admit(session, account)).kind === 'wait')
      throw new Refusal('forbidden', 'the form comes before the first message');
    const about = {
      owner: ownerOf(session),
      accountId: id,
      maxBytes: config.maxFileBytes,
      mimeTypes: config.mimeTypes,
    };
    const file = await receiveUpload(this.files, request, about);
    await this.files.recordOrDiscard(this.database, file, about);
    return this.files.present(file);
  }

  /** The account, if the page may use it; with the headers that let the page read the answer. */
  private admit(request: FastifyRequest, reply: FastifyReply): ChatAccount {
    const { origin, host } = request.headers;
    const account = chatAccount(this.directory, String((request.query as { account?: unknown }).account ?? ''));
    if (!account) throw new Refusal('not-found', 'there is no such chat');
    if (!originAllowed({ origin, host }, this.options.publicUrl(), account.config.origins)) {
      throw new Refusal('forbidden', 'this page may not use the chat');
    }
    void reply.headers({ 'access-control-allow-origin': origin ?? '*', vary: 'origin' });
    return account;
  }
}
