import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';
import { fileIn, json, refused, type Material } from './fake-wechat.js';

export interface FakeWecomKfOptions {
  readonly corpId: string;
  readonly secret: string;
  readonly openKfId: string;
  /** Most items of a page, where that is fewer than are asked for. */
  readonly page?: number;
  /** Messages that one message of a customer allows. Default 5. */
  readonly messages?: number;
}

/** What was taken by `send_msg` or `send_msg_on_event`. */
export interface SentKf {
  readonly path: string;
  readonly touser?: string;
  readonly code?: string;
  readonly msgid: string;
  readonly msgtype: string;
  readonly [member: string]: unknown;
}

/** An item of `sync_msg`. */
export type KfItem = Readonly<Record<string, unknown>> & { readonly msgid: string; readonly send_time: number };

interface Customer {
  left: number;
  state: number;
  servicer?: string;
  unionid?: string;
}

type Handler = (body: Readonly<Record<string, unknown>>, fake: FakeWecomKf, request: LoggedRequest) => FakeAnswer;

const OK = { errcode: 0, errmsg: 'ok' };
const KEPT_S = 3 * 86_400;
const TYPES = 'text image voice video file link miniprogram msgmenu location ca_link';
const CHANGES: Readonly<Record<number, readonly number[]>> = { 0: [1, 2, 3], 1: [2, 3], 2: [3], 3: [3, 4], 4: [] };

/**
 * The documented customer service API of WeCom on loopback, as far as the gateway calls it: tokens that run out, `sync_msg` with cursors
 * and pages, sending with window, quota, states and ids that are taken once, codes of events, sessions, customers, accounts, files.
 */
export class FakeWecomKf {
  readonly sent: SentKf[] = [];
  readonly items: KfItem[] = [];
  readonly material = new Map<string, Material>();
  readonly customers = new Map<string, Customer>();
  /** Codes of events that were not used yet. */
  readonly codes = new Set<string>();
  /** Tokens of callbacks that `sync_msg` takes. */
  readonly doorbells = new Set<string>();
  tokens = 0;
  private token = '';
  private ids = 0;
  private readonly scripts: { readonly path: string; readonly answer: FakeAnswer }[] = [];

  private constructor(
    private readonly provider: FakeProvider,
    readonly options: FakeWecomKfOptions,
  ) {}

  static async start(options: FakeWecomKfOptions): Promise<FakeWecomKf> {
    const provider = await fakeProvider();
    const fake = new FakeWecomKf(provider, options);
    provider.answer((request) => fake.respond(request));
    return fake;
  }

  get url(): string {
    return this.provider.url;
  }

  get requests(): readonly LoggedRequest[] {
    return this.provider.requests;
  }

  calls(path: string): LoggedRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** A customer writes: their window opens, and an ended session begins anew. Returns the id of the message. */
  wrote(customer: string, content: Readonly<Record<string, unknown>>, ageS = 0): string {
    const { state = 0, ...known } = this.customers.get(customer) ?? {};
    this.customers.set(customer, { ...known, left: this.options.messages ?? 5, state: state === 4 ? 0 : state });
    return this.push({ external_userid: customer, origin: 3, ...content }, ageS);
  }

  /** Something that WeCom itself tells of. */
  happened(event: Readonly<Record<string, unknown>>): string {
    return this.push({ origin: 4, msgtype: 'event', event: { open_kfid: this.options.openKfId, ...event } });
  }

  /** Adds an item, `ageS` seconds old. */
  push(item: Readonly<Record<string, unknown>>, ageS = 0): string {
    const msgid = this.newId('KF');
    const place = item['msgtype'] !== 'event' && { open_kfid: this.options.openKfId };
    this.items.push({ msgid, send_time: Math.floor(Date.now() / 1_000) - ageS, ...place, ...item });
    return msgid;
  }

  /** The token of a new callback. */
  ring(): string {
    const token = this.newId('ENC');
    this.doorbells.add(token);
    return token;
  }

  expireToken(): void {
    this.token = '';
  }

  /** How the next call of a path is answered, whatever it says. */
  next(path: string, answer: FakeAnswer): void {
    this.scripts.push({ path, answer });
  }

  close(): Promise<void> {
    return this.provider.close();
  }

  newToken(): string {
    if (this.token === '') {
      this.tokens += 1;
      this.token = `${this.tokens}-${'k'.repeat(200)}`;
    }
    return this.token;
  }

  newId(kind: string): string {
    this.ids += 1;
    return `${kind}${String(this.ids).padStart(12, '0')}`;
  }

  private respond(request: LoggedRequest): FakeAnswer {
    const scripted = this.scripts.findIndex(({ path }) => path === request.path);
    if (scripted >= 0) return this.scripts.splice(scripted, 1)[0]!.answer;
    if (request.path === '/cgi-bin/gettoken') return giveToken(request, this);
    const given = request.query.get('access_token');
    if (!given) return refused(41001, 'access_token missing');
    if (given !== this.token) return refused(/^\d+-k+$/.test(given) ? 42001 : 40014, 'access_token expired');
    const body = json(request);
    if (/\/kf\/(sync|send_msg$|service)/.test(request.path) && body['open_kfid'] !== this.options.openKfId)
      return refused(95000, 'invalid open_kfid');
    return HANDLERS[request.path]?.(body, this, request) ?? { status: 404, body: '<html>' };
  }
}

function giveToken({ query }: LoggedRequest, fake: FakeWecomKf): FakeAnswer {
  if (query.get('corpid') !== fake.options.corpId) return refused(40013, 'invalid corpid');
  if (query.get('corpsecret') !== fake.options.secret) return refused(40001, 'invalid credential');
  return { body: { ...OK, access_token: fake.newToken(), expires_in: 7_200 } };
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  '/cgi-bin/kf/sync_msg': syncMsg,
  '/cgi-bin/kf/send_msg': sendMsg,
  '/cgi-bin/kf/send_msg_on_event'(body, fake, { path }) {
    if (!fake.codes.delete(String(body['code']))) return refused(40029, 'invalid code');
    fake.sent.push({ ...(body as unknown as SentKf), path });
    return { body: { ...OK, msgid: body['msgid'] } };
  },
  '/cgi-bin/kf/service_state/get'({ external_userid: id }, fake) {
    const { state = 4, servicer } = fake.customers.get(String(id)) ?? {};
    return { body: { ...OK, service_state: state, ...(servicer && { servicer_userid: servicer }) } };
  },
  '/cgi-bin/kf/service_state/trans'(body, fake) {
    const customer = fake.customers.get(String(body['external_userid']));
    const state = Number(body['service_state']);
    if (!customer || !CHANGES[customer.state]?.includes(state)) return refused(95016, 'not allowed state transition');
    const first = customer.state !== state;
    Object.assign(customer, { state, servicer: body['servicer_userid'] });
    if (state === 1 || !first) return { body: OK };
    const code = fake.newId('CODE');
    fake.codes.add(code);
    return { body: { ...OK, msg_code: code } };
  },
  '/cgi-bin/kf/customer/batchget'({ external_userid_list: ids }, fake) {
    const known = (ids as string[]).filter((id) => fake.customers.has(id));
    const list = known.map((id) => {
      const { unionid } = fake.customers.get(id)!;
      return {
        external_userid: id,
        nickname: '张三',
        avatar: 'http://wx.qlogo.cn/0',
        gender: 1,
        ...(unionid && { unionid }),
      };
    });
    const unknown = (ids as string[]).filter((id) => !fake.customers.has(id));
    return { body: { ...OK, customer_list: list, invalid_external_userid: unknown } };
  },
  '/cgi-bin/kf/account/list': ({ offset }, { options: { openKfId: open_kfid } }) => ({
    body: {
      ...OK,
      account_list: offset === 0 ? [{ open_kfid, name: '客服', avatar: '', manage_privilege: true }] : [],
    },
  }),
  '/cgi-bin/media/upload'(_body, fake, request) {
    const type = request.query.get('type') ?? '';
    const file = fileIn(request);
    if (!file || file.bytes.length <= 5) return refused(40006, 'invalid media size');
    const most = { image: 10_485_760, voice: 2_097_152, video: 10_485_760, file: 20_971_520 }[type];
    if (most === undefined) return refused(40004, 'invalid media type');
    if (type !== 'file' && !/\.(png|jpe?g|amr|mp4)$/i.test(file.name)) return refused(40005, 'invalid type');
    if (file.bytes.length > most) return refused(45001, 'media size out of limit');
    const id = fake.newId('MEDIA');
    fake.material.set(id, { type, mimeType: file.mimeType, bytes: file.bytes });
    return { body: { ...OK, type, media_id: id, created_at: '1380000000' } };
  },
  '/cgi-bin/media/get'(_body, fake, { query }) {
    const id = query.get('media_id') ?? '';
    const held = fake.material.get(id);
    if (!held) return refused(40007, 'invalid media_id');
    const headers = { 'content-type': held.mimeType, 'content-disposition': `attachment; filename="${id}"` };
    return { headers, body: held.bytes };
  },
};

/** A cursor is the place behind the last item; without one it begins 3 days ago. */
function syncMsg({ cursor = '', token, limit = 1_000 }: Parameters<Handler>[0], fake: FakeWecomKf): FakeAnswer {
  if (token !== undefined && !fake.doorbells.has(String(token))) return refused(95007, 'invalid msg token');
  const oldest = Math.floor(Date.now() / 1_000) - KEPT_S;
  const kept = fake.items.findIndex(({ send_time: sent }) => sent >= oldest);
  const from = Math.max(Number(/^CURSOR_(\d+)$/.exec(String(cursor))?.[1] ?? 0), kept < 0 ? fake.items.length : kept);
  const to = Math.min(fake.items.length, from + Math.min(Number(limit), fake.options.page ?? 1_000));
  const page = { next_cursor: `CURSOR_${to}`, has_more: to < fake.items.length ? 1 : 0 };
  return { body: { ...OK, ...page, msg_list: fake.items.slice(from, to) } };
}

function sendMsg(body: Parameters<Handler>[0], fake: FakeWecomKf, request: LoggedRequest): FakeAnswer {
  const message = { msgid: fake.newId('OWN'), ...body, path: request.path } as unknown as SentKf;
  const { msgid, msgtype, touser = '' } = message;
  const content = message[msgtype] as Readonly<Record<string, unknown>> | undefined;
  if (!TYPES.split(' ').includes(msgtype) || !content) return refused(40008, 'invalid msgtype');
  if (!/^[0-9a-zA-Z_-]{1,32}$/.test(msgid)) return refused(40058, 'msgid invalid');
  if (fake.sent.some((earlier) => earlier.msgid === msgid)) return refused(40058, 'msgid duplicated');
  if (Buffer.byteLength(String(content['content'] ?? '')) > 2_048) return refused(45002, 'content size out of limit');
  for (const name of ['media_id', 'thumb_media_id'])
    if (content[name] !== undefined && !fake.material.has(String(content[name])))
      return refused(40007, 'invalid media_id');
  const customer = fake.customers.get(touser);
  if (!customer) return refused(95002, 'send msg time limit');
  if (customer.state > 1) return refused(95018, 'send msg session status invalid');
  if (customer.left <= 0) return refused(95001, 'send msg count limit');
  customer.left -= 1;
  fake.sent.push(message);
  return { body: { ...OK, msgid } };
}
