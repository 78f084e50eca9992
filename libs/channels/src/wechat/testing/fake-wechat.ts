import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';

export interface FakeWechatOptions {
  readonly appId: string;
  readonly appSecret: string;
  /** Messages that one message of a customer allows. Default 5. */
  readonly messages?: number;
}

/** A customer service message, template or notice that was taken. */
export interface SentMessage {
  readonly path: string;
  readonly touser: string;
  readonly msgtype?: string;
  readonly [member: string]: unknown;
}

export interface Material {
  readonly type: string;
  readonly mimeType: string;
  readonly bytes: Buffer;
}

interface Customer {
  left: number;
  unionid?: string;
}

type Handler = (request: LoggedRequest, fake: FakeWechat) => FakeAnswer;

/** A refusal, as HTTP 200. */
export const refused = (errcode: number, errmsg: string): FakeAnswer => ({
  body: { errcode, errmsg: `${errmsg} rid: 655f1f04-1d7c1ba8-0a3cf4b5` },
});
const OK = { errcode: 0, errmsg: 'ok' };

/**
 * The documented API of WeChat on loopback, as far as the gateway calls it: stable tokens that run out, customer service messages with
 * window, quota and size, typing, templates, notices, material, users. HTTP is always 200; refusals are errcodes. It starts closed to
 * everybody: `wrote` opens the window of a customer.
 */
export class FakeWechat {
  /** What was taken, in order. */
  readonly sent: SentMessage[] = [];
  readonly material = new Map<string, Material>();
  readonly customers = new Map<string, Customer>();
  /** How many tokens were given out that were not the current one. */
  tokens = 0;
  private token = '';
  private readonly scripts: { readonly path: string; readonly answer: FakeAnswer }[] = [];
  private ids = 0;

  private constructor(
    private readonly provider: FakeProvider,
    readonly options: FakeWechatOptions,
  ) {}

  static async start(options: FakeWechatOptions): Promise<FakeWechat> {
    const provider = await fakeProvider();
    const fake = new FakeWechat(provider, options);
    provider.answer((request) => fake.respond(request));
    return fake;
  }

  get url(): string {
    return this.provider.url;
  }

  get requests(): readonly LoggedRequest[] {
    return this.provider.requests;
  }

  /** A customer wrote: they may be answered again. */
  wrote(openid: string, unionid?: string): void {
    this.customers.set(openid, { left: this.options.messages ?? 5, ...(unionid && { unionid }) });
  }

  /** The current token ends now: calls with it are answered 42001. */
  expireToken(): void {
    this.token = '';
  }

  /** How the next call of a path is answered, whatever it says. */
  next(path: string, answer: FakeAnswer): void {
    this.scripts.push({ path, answer });
  }

  /** Holds a file, as one that a customer sent. */
  hold(mediaId: string, material: Material): void {
    this.material.set(mediaId, material);
  }

  close(): Promise<void> {
    return this.provider.close();
  }

  newToken(): string {
    if (this.token === '') {
      this.tokens += 1;
      this.token = `${this.tokens}_${'t'.repeat(130)}`;
    }
    return this.token;
  }

  newId(): string {
    this.ids += 1;
    return `MEDIA_${this.ids}`;
  }

  /** Takes a message for a customer, or says why not. */
  take(request: LoggedRequest, message: SentMessage): FakeAnswer {
    const customer = this.customers.get(message.touser);
    if (!customer) return refused(45015, 'response out of time limit or subscription is canceled');
    if (customer.left <= 0) return refused(45047, 'out of response count limit');
    customer.left -= 1;
    this.sent.push({ ...message, path: request.path });
    return { body: OK };
  }

  private respond(request: LoggedRequest): FakeAnswer {
    const scripted = this.scripts.findIndex(({ path }) => path === request.path);
    if (scripted >= 0) return this.scripts.splice(scripted, 1)[0]!.answer;
    if (request.path === '/cgi-bin/stable_token') return giveToken(request, this);
    if (request.path.startsWith('/files/')) return fileAt(request, this);
    const given = request.query.get('access_token');
    if (!given) return refused(41001, 'access_token missing');
    if (given !== this.token) return refused(/^\d+_t+$/.test(given) ? 42001 : 40001, 'access_token expired');
    return HANDLERS[request.path]?.(request, this) ?? { status: 404, body: '<html>' };
  }
}

function giveToken(request: LoggedRequest, fake: FakeWechat): FakeAnswer {
  const { grant_type, appid, secret } = json(request);
  if (grant_type !== 'client_credential') return refused(40002, 'invalid grant_type');
  if (appid !== fake.options.appId) return refused(40013, `invalid appid`);
  if (secret !== fake.options.appSecret) return refused(40125, 'invalid appsecret');
  return { body: { access_token: fake.newToken(), expires_in: 7_200 } };
}

function fileAt(request: LoggedRequest, fake: FakeWechat): FakeAnswer {
  const held = fake.material.get(request.path.slice('/files/'.length));
  if (!held) return { status: 404 };
  return { headers: { 'content-type': held.mimeType }, body: held.bytes };
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  '/cgi-bin/message/custom/send': sendCustom,
  '/cgi-bin/message/custom/typing'(request, fake) {
    const { touser = '', command } = json(request) as { touser?: string; command?: string };
    if (command !== 'Typing' && command !== 'CancelTyping') return refused(45072, 'command field error');
    return fake.customers.has(touser) ? { body: OK } : refused(45080, 'need user interaction');
  },
  '/cgi-bin/message/template/send': sendTemplate,
  '/cgi-bin/message/subscribe/send': sendTemplate,
  '/cgi-bin/message/subscribe/bizsend'(request, fake) {
    fake.sent.push({ ...(json(request) as SentMessage), path: request.path });
    return { body: OK };
  },
  '/cgi-bin/media/upload'(request, fake) {
    const type = request.query.get('type') ?? '';
    const file = fileIn(request);
    if (!file) return refused(41005, 'media data missing');
    if (!/\.(png|jpe?g|gif|amr|mp3|mp4)$/i.test(file.name)) return refused(40005, 'invalid file type');
    const most = { image: 10_485_760, voice: 2_097_152, video: 10_485_760, thumb: 65_536 }[type];
    if (most === undefined) return refused(40004, 'invalid media type');
    if (file.bytes.length > most) return refused(45001, 'media size out of limit');
    const id = fake.newId();
    fake.hold(id, { type, mimeType: file.mimeType, bytes: file.bytes });
    return { body: { type, media_id: id, created_at: 1_409_735_669 } };
  },
  '/cgi-bin/media/uploadimg'(request, fake) {
    const file = fileIn(request);
    if (!file) return refused(41005, 'media data missing');
    if (!/png|jpeg/.test(file.mimeType) || file.bytes.length > 1_048_576) return refused(40005, 'invalid file type');
    const id = fake.newId();
    fake.hold(id, { type: 'article', mimeType: file.mimeType, bytes: file.bytes });
    return { body: { url: `${fake.url}/files/${id}` } };
  },
  '/cgi-bin/media/get'(request, fake) {
    const id = request.query.get('media_id') ?? '';
    const held = fake.material.get(id);
    if (!held) return refused(40007, 'invalid media_id');
    if (held.type === 'video') return { body: { video_url: `${fake.url}/files/${id}` } };
    const headers = { 'content-type': held.mimeType, 'content-disposition': `attachment; filename="${id}.jpg"` };
    return { headers, body: held.bytes };
  },
  '/cgi-bin/user/info'(request, fake) {
    const openid = request.query.get('openid') ?? '';
    const customer = fake.customers.get(openid);
    if (!customer) return refused(40003, 'invalid openid');
    const { unionid } = customer;
    return { body: { subscribe: 1, openid, language: 'zh_CN', ...(unionid && { unionid }), tagid_list: [] } };
  },
};

/** Its id has 64 bits. */
function sendTemplate(request: LoggedRequest, fake: FakeWechat): FakeAnswer {
  fake.sent.push({ ...(json(request) as SentMessage), path: request.path });
  return { body: `{"errcode":0,"errmsg":"ok","msgid":3156567833284837${fake.sent.length + 376}}` };
}

function sendCustom(request: LoggedRequest, fake: FakeWechat): FakeAnswer {
  if (/\\u[0-9a-f]{4}/i.test(request.body.toString())) return refused(40033, 'invalid charset');
  const message = json(request) as SentMessage;
  const content = message[message.msgtype ?? ''] as Readonly<Record<string, unknown>> | undefined;
  if (!content) return refused(40008, 'invalid message type');
  if (message.msgtype === 'text') {
    if (content['content'] === '') return refused(44004, 'empty content');
    if (Buffer.byteLength(String(content['content'])) > 2_048) return refused(45002, 'content size out of limit');
  }
  for (const name of ['media_id', 'thumb_media_id'])
    if (content[name] !== undefined && !fake.material.has(String(content[name])))
      return refused(40007, 'invalid media_id');
  return fake.take(request, message);
}

/** The JSON of a request; empty where it is none. */
export function json(request: LoggedRequest): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(request.body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The file in a form, told by its bytes: what stands between the blank line after `name="media"` and the last boundary. */
export function fileIn({ body, headers }: LoggedRequest): (Omit<Material, 'type'> & { readonly name: string }) | null {
  const boundary = /boundary=([^;]+)/.exec(headers['content-type'] ?? '')?.[1];
  const start = body.indexOf('\r\n\r\n');
  const end = boundary ? body.lastIndexOf(`\r\n--${boundary}`) : -1;
  const head = body.subarray(0, start).toString();
  const name = /filename="([^"]*)"/.exec(head)?.[1];
  if (start < 0 || end < start || !head.includes('name="media"') || name === undefined) return null;
  const mimeType = /content-type: ([^\r\n]+)/i.exec(head)?.[1] ?? '';
  return { bytes: body.subarray(start + 4, end), mimeType, name };
}
