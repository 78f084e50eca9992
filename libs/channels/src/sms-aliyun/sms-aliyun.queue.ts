import { ProviderFailure, type InboundEventInput } from '#normalizer';
import { rebase, statusFailure, type HttpResponse } from '#transport';
import { call, DYBASE, type Context } from './sms-aliyun.call.js';
import { demandOk } from './sms-aliyun.failures.js';
import { eventsOf } from './sms-aliyun.parse.js';
import { fieldsOf } from './sms-aliyun.send.js';
import { queueAuthorization } from './sms-aliyun.signature.js';

/** Where reports and replies of everybody's SMS are queued; the tokens of QueryTokenForMnsQueue are for it. */
const ENDPOINT = 'https://1943695596114318.mns.cn-hangzhou.aliyuncs.com';
const VERSION = '2015-06-06';
const KINDS = { report: 'SmsReport', up: 'SmsUp' } as const;
const MOST = 16;
const TOKEN_MS = 4 * 60_000;

type Kind = keyof typeof KINDS;
interface Token {
  readonly AccessKeyId: string;
  readonly AccessKeySecret: string;
  readonly SecurityToken: string;
}
interface Queued {
  readonly handle: string;
  readonly body: string;
}

/**
 * Pulls from the message queues. The cursor holds the handles of what was read last: once it is committed together with the events, the next call deletes
 * them. What is lost in between is read again, and known by its key.
 */
export async function poll(
  cursor: string | null,
  ctx: Context,
): Promise<{ events: InboundEventInput[]; cursor: string; more?: boolean }> {
  const done = handlesIn(cursor);
  const handles: Partial<Record<Kind, string[]>> = {};
  const events: InboundEventInput[] = [];
  for (const kind of ['report', 'up'] as const) {
    const queue = ctx.config.queues[kind];
    if (queue === undefined) continue;
    const token = await tokenFor(ctx, kind, queue);
    await remove(ctx, { queue, token, handles: done[kind] ?? [] });
    const read = await receive(ctx, { kind, queue, token });
    const readable = read.flatMap(({ handle, body }) => {
      const items = itemsIn(body);
      return items ? [{ handle, items }] : [];
    });
    handles[kind] = readable.map(({ handle }) => handle);
    events.push(...readable.flatMap(({ items }) => items.flatMap((item) => eventsOf(item, ctx))));
  }
  const more = Object.values(handles).some((list) => list.length > 0);
  return { events, cursor: JSON.stringify(handles), ...(more && { more }) };
}

function handlesIn(cursor: string | null): Partial<Record<Kind, string[]>> {
  return cursor === null || cursor === '' ? {} : (JSON.parse(cursor) as Partial<Record<Kind, string[]>>);
}

async function tokenFor(ctx: Context, kind: Kind, queue: string): Promise<Token> {
  const made = await ctx.once(`queue ${queue}`, TOKEN_MS, async () => {
    const query = { MessageType: KINDS[kind], QueueName: queue, RegionId: 'cn-hangzhou' };
    const answer = await call(ctx, { api: DYBASE, action: 'QueryTokenForMnsQueue', query });
    demandOk(answer, { code: fieldsOf(answer)['Code'], now: ctx.now() });
    const { MessageTokenDTO: token } = answer.json<{ MessageTokenDTO?: Token }>();
    if (!token?.SecurityToken) throw new ProviderFailure('reply-unreadable', 'the answer holds no token');
    return JSON.stringify(token);
  });
  return JSON.parse(made) as Token;
}

async function receive(
  ctx: Context,
  { kind, queue, token }: { kind: Kind; queue: string; token: Token },
): Promise<Queued[]> {
  const resource = `/queues/${queue}/messages?numOfMessages=${MOST}`;
  const answer = await queueCall(ctx, { method: 'GET', resource, token });
  if (answer.status === 404 && answer.text().includes('MessageNotExist')) return [];
  if (answer.status === 403) await ctx.forget(`queue ${queue}`);
  if (answer.status !== 200) throw statusFailure(answer, ctx.now());
  const read = messagesIn(answer.text());
  if (read.length === 0)
    throw new ProviderFailure('reply-unreadable', `the queue of ${KINDS[kind]} answered something else`);
  return read;
}

/** What cannot be deleted comes again, and is known by its key. */
async function remove(
  ctx: Context,
  { queue, token, handles }: { queue: string; token: Token; handles: string[] },
): Promise<void> {
  if (handles.length === 0) return;
  const list = handles.map((handle) => `<ReceiptHandle>${handle}</ReceiptHandle>`).join('');
  const body = `<?xml version="1.0" encoding="UTF-8"?><ReceiptHandles xmlns="http://mns.aliyuncs.com/doc/v1/">${list}</ReceiptHandles>`;
  await queueCall(ctx, { method: 'DELETE', resource: `/queues/${queue}/messages`, token, body });
}

function queueCall(
  ctx: Context,
  { method, resource, token, body }: { method: 'GET' | 'DELETE'; resource: string; token: Token; body?: string },
): Promise<HttpResponse> {
  const date = new Date(ctx.now()).toUTCString();
  const contentType = 'text/xml';
  const { AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret } = token;
  const authorization = queueAuthorization({
    method,
    resource,
    contentType,
    date,
    version: VERSION,
    accessKeyId,
    accessKeySecret,
  });
  return ctx.http.request({
    method,
    url: rebase(`${ENDPOINT}${resource}`, ctx.config.apiBase),
    headers: {
      ...{ authorization, date, 'content-type': contentType, 'x-mns-version': VERSION },
      'security-token': token.SecurityToken,
    },
    ...(body !== undefined && { body }),
    signal: ctx.signal,
  });
}

function messagesIn(xml: string): Queued[] {
  return [...xml.matchAll(/<Message>([\s\S]*?)<\/Message>/g)].flatMap(([, message = '']) => {
    const handle = /<ReceiptHandle>([\w.:=/+-]+)<\/ReceiptHandle>/.exec(message)?.[1];
    const body = /<MessageBody>([\s\S]*?)<\/MessageBody>/.exec(message)?.[1];
    return handle && body !== undefined ? [{ handle, body }] : [];
  });
}

/** A message is one JSON object or a list of them, mostly in base64. What is neither (null) stays in the queue, for a person to look at. */
function itemsIn(body: string): Record<string, unknown>[] | null {
  const plain = /^\s*[[{]/.test(body) ? unescaped(body) : Buffer.from(body, 'base64').toString('utf8');
  try {
    const parsed: unknown = JSON.parse(plain);
    const items: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return items.every((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
      ? items
      : null;
  } catch {
    return null;
  }
}

function unescaped(xml: string): string {
  return xml.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
