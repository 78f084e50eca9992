import { types } from 'wechaty-puppet';
import { mock, PuppetMock } from 'wechaty-puppet-mock';
import { wechatyChannel } from '../wechaty.adapter.js';
import { wechatyConfig } from '../wechaty.config.js';
import type { WechatySession } from '../wechaty.session.js';
import { AccountBench, until } from './bench.js';

type Mocker = InstanceType<typeof mock.Mocker>;

/** Each account has a world of its own; a new connection is a new puppet in it, as after a restart. */
export const worlds = new Map<string, Mocker>();
export const puppets: PuppetMock[] = [];
export const sentTo: [string, string][] = [];
export const open: { account: AccountBench; session: WechatySession }[] = [];

/** Real wechaty, its mock puppet behind it. */
export const channel = wechatyChannel(async () => ({
  default: class extends PuppetMock {
    constructor(options: { world?: string }) {
      const mocker = new mock.Mocker();
      super({ ...options, mocker });
      worlds.set(options.world ?? '', mocker);
      puppets.push(this);
    }
    /** The mock takes every id with an `@` for a room's. */
    override async messageSendText(to: string, text: string): Promise<void> {
      if (to.startsWith('@')) sentTo.push([to, text]);
      else await super.messageSendText(to, text);
    }
  },
}));
export const socket = channel.ingress.socket!;

export const bench = (id: string, more: object = {}) =>
  new AccountBench(
    id,
    wechatyConfig.parse({
      acceptRisk: true,
      puppet: 'wechaty-puppet-mock',
      puppetOptions: { world: id },
      credentials: { token: `secret-of-${id}` },
      ...more,
    }),
  );

/** Lets go of all accounts. */
export async function clear(): Promise<void> {
  for (const { account, session } of open.splice(0)) {
    account.end();
    await socket.close(session);
  }
  worlds.clear();
  puppets.length = sentTo.length = 0;
}

/** Opens an account and logs its user in. */
export async function connect(account: AccountBench, self = 'wxid_self') {
  const before = puppets.length;
  const opening = socket.open(account.emit, account.context());
  opening.catch(() => undefined);
  await until(() => puppets.length > before);
  const mocker = worlds.get(account.id)!;
  const puppet = puppets.at(-1)!;
  await until(() => puppet.state.active() === true);
  const me = mocker.createContact({ id: self, name: '客服小李' });
  mocker.login(me);
  const session = await opening;
  open.push({ account, session });
  return { session, mocker, puppet, me };
}

export const customer = (mocker: Mocker, id = 'wxid_alice', name = 'Alice') =>
  mocker.createContact({ id, name, type: types.Contact.Individual, alias: '', weixin: '', handle: '' } as never);

/** What whoever it is sees in WeChat; the mock's types know of no listeners. */
export function hear(whom: object, listener: (message: { text(): string; talker(): { id: string } }) => unknown): void {
  (whom as NodeJS.EventEmitter).on('message', listener);
}

/** Something that the mock has no words for, as another puppet would hand it over. */
export function raw(mocker: Mocker, payload: Record<string, unknown>): void {
  mocker.MessageMock.create({ timestamp: 1_700_000_000, type: types.Message.Text, ...payload } as never);
  mocker.puppet.emit('message', { messageId: payload['id'] as string });
}
