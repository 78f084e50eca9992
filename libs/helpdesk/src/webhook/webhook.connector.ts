import { newId, secret, webAddress, type StreamEvent } from '#normalizer';
import { rebase, retryAfterOf, webhookHeaders, type Health, type HttpResponse } from '#transport';
import { z } from 'zod';
import {
  DeliveryRefused,
  type ConnectorContext,
  type DeliveryReceipt,
  type HelpdeskConnector,
} from '../core/connector.js';

const RESERVED = /^(webhook-.*|tributary-.*|content-type|content-length|transfer-encoding|connection|host)$/i;

const config = z.object({
  url: webAddress().describe('Where events are posted.'),
  secret: secret().describe(
    'Signs events by the Standard Webhooks specification: `whsec_` and base64 of 24 to 64 random bytes, or any text.',
  ),
  headers: z
    .record(
      z.string().refine((name) => /^[\w-]+$/.test(name) && !RESERVED.test(name), 'is no header that may be set'),
      secret().regex(/^[\x20-\x7e]*$/),
    )
    .optional()
    .describe(
      'Further headers of every request, such as a key that your proxy asks for, or `authorization` for a user name and password.',
    ),
  apiBase: webAddress().optional().describe('Replaces scheme, host and port of `url`: for a proxy or a test.'),
});
export type WebhookConfig = z.infer<typeof config>;

type Context = ConnectorContext<WebhookConfig>;

/** An answer may name the ticket that the event's conversation is; anything else in it is ignored. */
const Answer = z.object({
  reference: z.object({
    ticketId: z.union([z.string().min(1).max(200), z.number().transform(String)]),
    url: z
      .url({ protocol: /^https?$/ })
      .max(4_096)
      .nullish()
      .catch(null),
  }),
});

/** The unified stream as signed webhooks, one event per request (CONTRACT section 3): for every system that takes HTTP. */
export const webhook: HelpdeskConnector<WebhookConfig> = {
  type: 'webhook',
  title: 'Webhook',
  config,
  capabilities: { kind: 'stream', batch: 1, replies: ['api'], maxAttachmentBytes: 0 },
  deliver,
  check,
};

async function deliver(events: readonly StreamEvent[], ctx: Context): Promise<DeliveryReceipt> {
  let receipt: DeliveryReceipt = {};
  for (const event of events) {
    const answer = await post(event.id, event, ctx);
    if (!isTaken(answer)) {
      throw new DeliveryRefused(answer.status, `answered ${answer.status}`, retryAfterOf(answer, ctx.now()));
    }
    receipt = receiptOf(answer) ?? receipt;
  }
  return receipt;
}

/** Posts a signed `{"type":"ping"}`, which is no event of the stream. */
async function check(ctx: Context): Promise<Health> {
  try {
    const id = newId('req');
    const answer = await post(id, { id, type: 'ping', timestamp: new Date(ctx.now()).toISOString() }, ctx);
    if (isTaken(answer)) return { ok: true, detail: 'The address takes our signed requests.' };
    return {
      ok: false,
      detail: `The address answered a signed ping with ${answer.status}. ${adviceOn(answer.status)}`,
    };
  } catch (error) {
    return {
      ok: false,
      detail: `Nothing could be posted: ${error instanceof Error ? error.message : 'unknown error'}.`,
    };
  }
}

function adviceOn(status: number): string {
  if (status === 401 || status === 403) return 'Compare the signing secret on both sides.';
  if (status === 404 || status === 410) return 'Check the path of `url`.';
  if (status >= 300 && status <= 399) return 'Redirects are not followed: set `url` to the address it leads to.';
  if (status >= 500) return 'The receiver failed; look into its log.';
  return 'Answer `{"type":"ping"}`, as every type that you do not know, with any 2xx.';
}

function post(id: string, content: object, ctx: Context): Promise<HttpResponse> {
  const body = Buffer.from(JSON.stringify(content));
  const secrets = ctx.signingSecrets.length > 0 ? ctx.signingSecrets : [ctx.config.secret];
  const timestamp = Math.floor(ctx.now() / 1_000);
  return ctx.http.request({
    method: 'POST',
    url: rebase(ctx.config.url, ctx.config.apiBase),
    headers: {
      ...ctx.config.headers,
      'content-type': 'application/json',
      ...webhookHeaders(secrets, { id, timestamp, body }),
      ...(ctx.replay && { 'tributary-replay': 'true' }),
    },
    body,
    maxBytes: 65_536,
    overflow: 'cut',
    signal: ctx.signal,
  });
}

function isTaken({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 299;
}

function receiptOf(answer: HttpResponse): DeliveryReceipt | null {
  if (!answer.body.includes('"reference"')) return null;
  try {
    const { reference } = Answer.parse(answer.json());
    return { reference: { ticketId: reference.ticketId, url: reference.url ?? null } };
  } catch {
    return null;
  }
}
