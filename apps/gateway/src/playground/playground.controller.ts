import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFound, rehearse, type Rehearsed } from '#conversations';
import type { Database } from '#database';
import { Part, parseWith, type InboundEvent } from '#normalizer';
import { rawRequest, RecordedRequest } from '#transport';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../api/core/endpoint.js';
import { Serves } from '../api/core/serves.js';
import { API_OPTIONS, type ApiOptions } from '../api/options.js';
import { Directory } from '../directory/index.js';
import { DATABASE } from '../tokens.js';
import { examine, fitted, type Tried } from './examine.js';
import { recordedOf, sampleSettings } from './recorded.js';

const tag = 'Playground';
const scope = 'admin' as const;
/** Nothing is loaded from elsewhere. */
const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"; // prettier-ignore

const channels = endpoint({ method: 'GET', path: '/v1/playground/channels', scope, tag, summary: 'Channels, their accounts and recorded requests', status: 200, answer: z.unknown() }); // prettier-ignore
const examination = endpoint({
  method: 'POST',
  path: '/v1/playground/examine',
  scope,
  tag,
  summary: 'What a channel makes of a request, and of an answer; nothing is stored',
  body: z.strictObject({
    channel: z.string().min(1).max(100),
    accountId: z.string().max(200).optional().describe('An account whose settings are taken; else `config`.'),
    config: z.record(z.string(), z.unknown()).optional(),
    request: RecordedRequest.optional(),
    reply: z.array(Part).max(50).optional(),
  }),
  status: 200,
  answer: z.unknown(),
  work: 'outside',
});

/** The page at `/playground`, for whoever writes or mends a channel. Served where the settings say so, to keys with the scope `admin`. */
@Controller()
export class PlaygroundController {
  constructor(
    @Inject(Directory) private readonly directory: Directory,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Get('playground')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  page(): Promise<string> {
    return file('page.html');
  }

  @Get('playground/page.css')
  @Header('content-type', 'text/css; charset=utf-8')
  style(): Promise<string> {
    return file('page.css');
  }

  @Get('playground/page.mjs')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): Promise<string> {
    return file('page.mjs');
  }

  @Serves(channels)
  async channels() {
    const running = this.directory.accounts();
    const listed = this.directory.adapters().map(async ({ type, title, config, ingress }) => ({
      type,
      title,
      called: ingress.webhook !== undefined,
      accounts: running.filter((account) => account.type === type).map(({ id }) => id),
      sample: sampleSettings(config),
      recorded: ingress.webhook ? await recordedOf(type) : [],
    }));
    return { items: await Promise.all(listed) };
  }

  @Serves(examination)
  async examine(@Called() { body }: Call<typeof examination>) {
    const { accountId = 'playground', request, reply } = body;
    const tried = this.tried(body);
    const publicUrl = `${this.options.publicUrl()}/channels/${accountId}`;
    const { defaultCountry } = this.options;
    const ctx = {
      accountId,
      config: tried.config,
      publicUrl,
      now: Date.now(),
      ...(defaultCountry !== undefined && { defaultCountry }),
    };
    const came = request && examine(tried, rawRequest(request), ctx);
    const events = came?.normalized.filter((event): event is InboundEvent => !('faults' in event)) ?? [];
    return {
      ...(came && { came: { ...came, stored: await this.stored(body.accountId, events) } }),
      ...(reply && { reply: fitted(tried, reply, (id) => `${this.options.publicUrl()}/files/${id}`) }),
    };
  }

  private tried({ channel, accountId, config }: z.output<typeof examination.body>): Tried {
    const adapter = this.directory.adapter(channel);
    if (!adapter) throw new NotFound(`there is no channel ${channel}`);
    if (accountId === undefined) return { adapter, config: parseWith(adapter.config, config ?? {}) };
    const account = this.directory.account(accountId);
    if (account?.type !== channel) throw new NotFound(`there is no account ${accountId} of ${channel}`);
    return account;
  }

  /** What would become of each event, where there is an account that it can come to. */
  private async stored(accountId: string | undefined, events: readonly InboundEvent[]): Promise<(Rehearsed | null)[]> {
    const found: (Rehearsed | null)[] = [];
    if (accountId === undefined) return found;
    for (const event of events) found.push(await rehearse(this.database, accountId, event));
    return found;
  }
}

function file(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, name), 'utf8');
}
