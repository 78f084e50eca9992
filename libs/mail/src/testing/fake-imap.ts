import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, TLSSocket } from 'node:tls';
import { FakeFolder, type Letter } from './fake-folder.js';
import { ImapLines } from './imap-lines.js';

export interface FakeImapOptions {
  readonly tls: { readonly key: string; readonly cert: string };
  /** Default: TLS from the first octet. */
  readonly starttls?: boolean;
  readonly capabilities?: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** Said of its own accord with the answer to STARTTLS, before TLS. */
  readonly injected?: string;
  readonly greeting?: string;
}

/** What the server does with a command in place of obeying: these words for an answer, `hang` without one, `drop` the connection. */
export type Whim = (command: string, said: string) => string | 'hang' | 'drop' | undefined;

interface Link {
  readonly socket: Socket;
  folder?: FakeFolder;
  /** Waits for news. */
  idle?: true;
  /** Takes the next line. */
  expects?: (line: string) => void;
}

const USUAL = ['IMAP4rev1', 'IDLE', 'ID', 'UIDPLUS', 'MOVE', 'CONDSTORE', 'ENABLE', 'NAMESPACE', 'AUTH=PLAIN'];

/** An IMAP server in this process that does as it is told, and that fails as real ones do. */
export class FakeImap {
  readonly folders = new Map<string, FakeFolder>();
  /** What clients said, one line a command, secrets and all. */
  readonly commands: string[] = [];
  /** Uids whose whole source was asked for. */
  readonly handedOut: number[] = [];
  /** Access tokens and passwords that were tried. */
  readonly tried: string[] = [];
  whim: Whim = () => undefined;
  /** Which login is taken; words are those of a refusal. Default: the password of the options. */
  takes: (secret: string) => boolean | string | Promise<boolean | string>;
  private readonly links = new Set<Link>();
  private server!: Server;

  private constructor(private readonly options: FakeImapOptions) {
    this.takes = (secret) => secret === (options.password ?? 'secret');
    for (const name of ['INBOX', 'Done', 'Shop']) this.folders.set(name, new FakeFolder());
  }

  static async listen(options: FakeImapOptions, port = 0): Promise<FakeImap> {
    const fake = new FakeImap(options);
    const take = (socket: Socket) => fake.take(socket);
    fake.server = options.starttls ? createTcp(take) : createTls(options.tls, take);
    fake.server.on('tlsClientError', () => undefined);
    await new Promise<void>((done) => fake.server.listen(port, '127.0.0.1', done));
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.links.size;
  }

  get inbox(): FakeFolder {
    return this.folders.get('INBOX')!;
  }

  /** Puts mail into a folder, and tells whoever waits there. */
  deliver(raw: Buffer | string, { folder = 'INBOX', date = new Date() } = {}): Letter {
    const room = this.folders.get(folder)!;
    const letter = room.add(raw, date);
    this.tell(room);
    return letter;
  }

  private tell(room: FakeFolder): void {
    for (const { socket, folder, idle } of this.links)
      if (folder === room && idle) socket.write(`* ${room.letters.length} EXISTS\r\n`);
  }

  cut(): void {
    for (const { socket } of this.links) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((done) => this.server.close(() => done()));
  }

  private take(raw: Socket): void {
    const link: Link = { socket: raw };
    this.links.add(link);
    raw.write(`${this.options.greeting ?? '* OK ready'}\r\n`);
    this.listenTo(link);
  }

  private listenTo(link: Link): void {
    const { socket } = link;
    const lines = new ImapLines((line) => this.hear(line, link));
    socket.on('error', () => undefined);
    socket.once('close', () => this.links.delete(link));
    socket.on('data', (chunk: Buffer) => {
      for (let wanted = lines.push(chunk); wanted; wanted = lines.push(Buffer.alloc(0))) socket.write('+ go on\r\n');
    });
  }

  private hear(line: string, link: Link): void {
    const { socket } = link;
    const { expects } = link;
    delete link.expects;
    if (expects) return expects(line);
    const [, tag = '*', uid = '', name = '', rest = ''] = /^(\S+) (UID )?(\S+) ?([^]*)$/i.exec(line) ?? [];
    const command = `${uid}${name}`.toUpperCase();
    this.commands.push(`${command} ${rest}`.trim());
    const whim = this.whim(command, rest);
    if (whim === 'hang') return;
    if (whim === 'drop') return void socket.destroy();
    if (whim !== undefined) return void socket.write(whim.replaceAll('TAG', tag));
    this.obey({ tag, command, rest }, link);
  }

  private obey({ tag, command, rest }: { tag: string; command: string; rest: string }, link: Link): void {
    const { socket } = link;
    const ok = (text = 'done') => void socket.write(`${tag} OK ${text}\r\n`);
    const no = (text: string) => void socket.write(`${tag} NO ${text}\r\n`);
    const said = (lines: string) => socket.write(lines);
    const room = (name: string) => this.folders.get(name.trim().replace(/^"|"$/g, ''));
    switch (command) {
      case 'CAPABILITY':
        said(`* CAPABILITY ${this.offers(socket).join(' ')}\r\n`);
        return ok();
      case 'STARTTLS':
        return this.encrypt(tag, link);
      case 'LOGIN':
      case 'AUTHENTICATE':
        return this.login({ tag, rest }, link);
      case 'NAMESPACE':
        said('* NAMESPACE (("" "/")) NIL NIL\r\n');
        return ok();
      case 'LIST':
        for (const name of this.folders.keys())
          if (rest.includes('*') || rest.includes(name)) said(`* LIST () "/" "${name}"\r\n`);
        return ok();
      case 'SELECT':
      case 'EXAMINE': {
        const folder = room(rest);
        if (!folder) return no('[NONEXISTENT] no such folder');
        link.folder = folder;
        said(folder.shown());
        return ok(command === 'SELECT' ? '[READ-WRITE] open' : '[READ-ONLY] open');
      }
      case 'STATUS': {
        const [, name = '', items = ''] = /^(.+?) \((.*)\)$/.exec(rest) ?? [];
        const folder = room(name);
        if (!folder) return no('[NONEXISTENT] no such folder');
        said(`* STATUS "${name.replace(/"/g, '')}" (${folder.status(items)})\r\n`);
        return ok();
      }
      case 'FETCH':
      case 'UID FETCH':
        return this.fetch({ tag, rest, byUid: command === 'UID FETCH' }, link);
      case 'UID SEARCH':
        said(`* SEARCH ${link.folder?.search(rest).join(' ') ?? ''}\r\n`);
        return ok();
      case 'UID STORE':
        link.folder?.mark(rest);
        return ok();
      case 'UID MOVE': {
        const [, uids = '', name = ''] = /^(\S+) (.+)$/.exec(rest) ?? [];
        const target = room(name);
        if (!target) return no('[TRYCREATE] no such folder');
        link.folder?.move(uids, target);
        return ok();
      }
      case 'IDLE':
        link.idle = true;
        link.expects = () => {
          delete link.idle;
          ok('idle over');
        };
        return void said('+ idling\r\n');
      case 'LOGOUT':
        said('* BYE\r\n');
        ok();
        return void socket.end();
      case 'NOOP':
        if (link.folder) said(`* ${link.folder.letters.length} EXISTS\r\n`);
        return ok();
      case 'ENABLE':
        said('* ENABLED CONDSTORE\r\n');
        return ok();
      case 'ID':
        said('* ID ("name" "fake" "vendor" "test")\r\n');
        return ok();
      default:
        return void socket.write(`${tag} BAD what?\r\n`);
    }
  }

  private offers(socket: Socket): readonly string[] {
    const all = this.options.capabilities ?? USUAL;
    return this.options.starttls && !(socket instanceof TLSSocket) ? [...all, 'STARTTLS'] : all;
  }

  private login({ tag, rest }: { tag: string; rest: string }, link: Link): void {
    const { socket } = link;
    const [, mechanism = '', initial = ''] = /^(\S+) ?(\S*)$/.exec(rest) ?? [];
    const bare = rest.match(/^"?(.*?)"? "?(.*?)"?$/)?.[2] ?? '';
    const finish = async (secret: string) => {
      this.tried.push(secret);
      const taken = await this.takes(secret);
      const refusal = typeof taken === 'string' ? taken : '[AUTHENTICATIONFAILED] no';
      const words = taken === true ? `OK [CAPABILITY ${this.offers(socket).join(' ')}] in` : `NO ${refusal}`;
      socket.write(`${tag} ${words}\r\n`);
    };
    if (/^(?:XOAUTH2|OAUTHBEARER)$/i.test(mechanism)) {
      const text = Buffer.from(initial, 'base64').toString();
      return void finish(/auth=Bearer ([^\x01]*)/.exec(text)?.[1] ?? '');
    }
    if (!/^PLAIN$/i.test(mechanism)) return void finish(bare);
    socket.write('+ \r\n');
    link.expects = (line) => void finish(Buffer.from(line, 'base64').toString().split('\0')[2] ?? '');
  }

  private encrypt(tag: string, link: Link): void {
    const plain = link.socket;
    plain.removeAllListeners('data');
    plain.write(`${tag} OK go\r\n${this.options.injected ?? ''}`);
    this.links.delete(link);
    const socket = new TLSSocket(plain, { isServer: true, ...this.options.tls });
    const encrypted: Link = { socket };
    this.links.add(encrypted);
    this.listenTo(encrypted);
  }

  private fetch({ tag, rest, byUid }: { tag: string; rest: string; byUid: boolean }, { socket, folder }: Link): void {
    const [, range = '', items = ''] = /^(\S+) ([^]*)$/.exec(rest) ?? [];
    for (const [seq, letter] of folder?.within(range, byUid) ?? []) {
      if (/BODY\.PEEK\[\]/.test(items)) this.handedOut.push(letter.uid);
      const answer = letter.answer(seq, items);
      if (letter.torn > 0 && /BODY\.PEEK\[\]/.test(items)) {
        letter.torn -= 1;
        return void socket.write(answer.subarray(0, answer.length / 2), () => socket.destroy());
      }
      socket.write(answer);
    }
    socket.write(`${tag} OK done\r\n`);
  }
}
