import { setTimeout as delay } from 'node:timers/promises';
import type { FakeAnswer, LoggedRequest, Responder } from '#transport/testing';
import { FileBox } from 'file-box';
import { Puppet, type payloads, types } from 'wechaty-puppet';
import type { SocketProvider } from '../../testing/subject.js';

/** A message as the puppet hands it over, with what else it knows of it. */
export interface FakeMessage {
  readonly id: string;
  readonly type?: types.Message;
  readonly text?: string;
  readonly talkerId?: string;
  readonly listenerId?: string;
  readonly roomId?: string;
  readonly filename?: string;
  readonly timestamp?: number;
  /** The location, link, mini program, or id of the contact that it carries. */
  readonly about?: unknown;
}

/** Who is logged in. */
export const SELF = 'wxid_self';
/** gRPC's codes, as puppets behind a wire fail, for HTTP's. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 429: 8 };
const networks = new Map<string, FakeNetwork>();
let counter = 0;

export const said = (message: FakeMessage): Buffer => Buffer.from(JSON.stringify(message));

/** WeChat as puppets see it: logs what it is asked as requests, answers by a script, hands over what it is told to say. */
export class FakeNetwork implements SocketProvider {
  readonly requests: LoggedRequest[] = [];
  readonly url = `wechat://network-${(counter += 1)}`;
  readonly puppets = new Set<FakePuppet>();
  private heard: ((stored: boolean) => void) | undefined;

  constructor(private respond: Responder = () => ({})) {
    networks.set(this.url, this);
  }

  static at(url: string): FakeNetwork | undefined {
    return networks.get(url);
  }

  answer(respond: Responder): void {
    this.respond = respond;
  }

  cut(): void {
    for (const puppet of this.puppets) void puppet.logout('cut');
    this.noted(false);
  }

  /** Nothing is acknowledged in this protocol: what is noted in its place is that the gateway stored the message. */
  async say(octets: Buffer): Promise<boolean> {
    const message = parsed(octets);
    if (!message) return false;
    const stored = new Promise<boolean>((resolve) => (this.heard = resolve));
    for (const puppet of this.puppets) puppet.receive(message);
    return stored;
  }

  noted(stored: boolean): void {
    this.heard?.(stored);
    this.heard = undefined;
  }

  async close(): Promise<void> {
    networks.delete(this.url);
  }

  /** Lets a puppet in, unless the script answers 401. A start that fails takes wechaty five seconds. */
  async admit(token: string | undefined): Promise<void> {
    await this.ask('/start', { token }).catch((error: { code?: number }) => {
      if (error.code === CODES[401]) throw error;
    });
  }

  /** Throws as a puppet would. */
  async ask(path: string, about: object): Promise<string | undefined> {
    const body = Buffer.from(JSON.stringify(about));
    const request = { method: 'PUPPET', path, query: new URLSearchParams(), headers: {}, body };
    this.requests.push(request);
    return outcome(await this.respond(request, this.requests.length - 1));
  }
}

function parsed(octets: Buffer): FakeMessage | undefined {
  try {
    const message = JSON.parse(octets.toString()) as FakeMessage | null;
    return typeof message === 'object' && typeof message?.id === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

async function outcome(answer: FakeAnswer): Promise<string | undefined> {
  if (answer === 'hang') await delay(30_000, undefined, { ref: false });
  if (typeof answer === 'string') throw new Error('socket hang up');
  const { status = 200, body } = answer;
  const said =
    typeof body === 'object' && !Buffer.isBuffer(body)
      ? (body as { id?: string; code?: number; message?: string })
      : {};
  if (status >= 500) throw failure(14, 'No connection established');
  if (status !== 200 || said.code) throw failure(said.code ?? CODES[status] ?? 2, said.message ?? 'refused');
  return typeof body === 'string' ? ({ unreadable: body } as never) : said.id;
}

function failure(code: number, message: string): Error {
  return Object.assign(new Error(message), { code, details: message });
}

/** A puppet of the network that its options name. It logs in by itself. */
export class FakePuppet extends Puppet {
  private readonly messages = new Map<string, FakeMessage>();
  private readonly network: FakeNetwork | undefined;

  constructor(private readonly settings: { network?: string; token?: string } = {}) {
    super();
    this.network = networks.get(settings.network ?? '');
  }

  override async onStart(): Promise<void> {
    const { network } = this;
    if (!network) throw new Error('connect ECONNREFUSED 127.0.0.1:1');
    await network.admit(this.settings.token);
    network.puppets.add(this);
    setImmediate(() => this.state.active() && !this.isLoggedIn && this.login(SELF));
  }

  override async onStop(): Promise<void> {
    this.network?.puppets.delete(this);
  }

  receive(message: FakeMessage): void {
    this.messages.set(message.id, message);
    this.emit('message', { messageId: message.id });
  }

  private about(id: string): never {
    return this.messages.get(id)?.about as never;
  }

  private async sent(what: string, about: object): Promise<string | void> {
    return this.network?.ask(`/messageSend${what}`, about);
  }

  override messageRawPayload = async (id: string): Promise<payloads.Message> => {
    const message = this.messages.get(id);
    if (!message) throw new Error('no such message');
    const whole = { type: types.Message.Text, talkerId: 'wxid_alice', timestamp: 1_763_717_000, ...message };
    return (whole.roomId ? whole : { listenerId: SELF, ...whole }) as payloads.Message;
  };
  override messageRawPayloadParser = async (payload: payloads.Message) => payload;
  override messageFile = async (id: string) => FileBox.fromBase64('R0lGODlh', `${id}.gif`);
  override messageLocation = async (id: string) => this.about(id);
  override messageUrl = async (id: string) => this.about(id);
  override messageMiniProgram = async (id: string) => this.about(id);
  override messageContact = async (id: string) => this.about(id);
  override messageSendText = async (to: string, text: string) => this.sent('Text', { to, text });
  override messageSendUrl = async (to: string, url: payloads.UrlLink) => this.sent('Url', { to, ...url });
  override messageSendLocation = async (to: string, at: payloads.Location) => this.sent('Location', { to, ...at });
  override messageSendFile = async (to: string, file: { name: string; toBase64(): Promise<string> }) =>
    this.sent('File', { to, name: file.name, bytes: await file.toBase64() });

  override contactRawPayload = async (id: string) => ({
    ...{ id, name: id.replace(/^wxid_/, ''), type: types.Contact.Individual, gender: types.ContactGender.Unknown },
    ...{ avatar: '', phone: [], friend: true },
  });
  override contactRawPayloadParser = async (payload: payloads.Contact) => payload;
  override roomRawPayload = async (id: string) => ({
    id,
    topic: '采购群',
    memberIdList: [SELF, 'wxid_alice'],
    adminIdList: [],
  });
  override roomRawPayloadParser = async (payload: payloads.Room) => payload;
  override roomMemberRawPayload = async (_room: string, id: string) => ({ id, name: id, avatar: '' });
  override roomMemberRawPayloadParser = async (payload: payloads.RoomMember) => payload;
  override roomMemberList = async () => [SELF, 'wxid_alice'];
  override contactList = async () => [SELF, 'wxid_alice'];
  override roomList = async () => [];
}
