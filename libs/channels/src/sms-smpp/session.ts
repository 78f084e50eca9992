import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { ProviderFailure } from '#normalizer';
import type { AdapterContext, Emit, SocketContext } from '../core/adapter.js';
import { Inbox } from './inbox.js';
import { Link } from './link.js';
import { writeBind } from './message.js';
import { Command, Status } from './pdu.js';
import type { SmsSmppConfig } from './sms-smpp.config.js';
import { statusFailure } from './sms-smpp.failures.js';

type Context = Pick<AdapterContext<SmsSmppConfig>, 'config' | 'dial' | 'signal'>;

/** The connections of an account, bound. */
export class SmppSession {
  private last = randomInt(0x10000);

  constructor(
    readonly transmitter: Link,
    private readonly parts: { readonly links: readonly Link[]; readonly inbox: Inbox },
  ) {}

  /** What the parts of the next long message have in common: another than that of the ones before. */
  nextReference(): number {
    this.last = (this.last + 1) & 0xffff;
    return this.last;
  }

  async close(): Promise<void> {
    await Promise.all(this.parts.links.map((link) => link.close()));
    this.parts.inbox.close();
  }
}

/** Connects and binds, by one connection or two. Throws `ProviderFailure`. */
export async function open(emit: Emit, ctx: SocketContext<SmsSmppConfig>): Promise<SmppSession> {
  const inbox = new Inbox(emit, ctx);
  const links: Link[] = [];
  let over: Error | undefined;
  const lost = (error: Error): void => {
    if (over) return;
    over = error;
    ctx.lost(error);
  };
  const commands =
    ctx.config.bind === 'transceiver' ? [Command.bindTransceiver] : [Command.bindReceiver, Command.bindTransmitter];
  try {
    await inbox.begin();
    for (const command of commands)
      links.push(await bound(command, ctx, { receive: (pdu, answer) => inbox.receive(pdu, answer), lost }));
  } catch (error) {
    inbox.close();
    await Promise.all(links.map((link) => link.close()));
    throw error;
  }
  return new SmppSession(links.at(-1)!, { links, inbox });
}

interface Handlers {
  readonly receive: ConstructorParameters<typeof Link>[1]['receive'];
  readonly lost: (error: Error) => void;
}

/** A connection that is bound. Throws `ProviderFailure`. */
export async function bound(command: number, ctx: Context, { receive, lost }: Handlers): Promise<Link> {
  const { systemId, password, systemType, addressRange, timeoutMs, enquireLinkS, window } = ctx.config;
  const range = { ton: 0, npi: 0, address: addressRange };
  let ready = false;
  const socket = await connected(ctx);
  const link = new Link(socket, {
    ...{ timeoutMs, window, enquireMs: enquireLinkS * 1_000, receive },
    lost: (error) => ready && lost(error),
  });
  try {
    const { status } = await link.request(command, writeBind({ systemId, password, systemType, range }));
    if (status !== Status.ok) throw statusFailure(status);
  } catch (error) {
    socket.destroy();
    // Nothing was handed over, whatever became of the bind.
    const known = error instanceof ProviderFailure && error.code !== 'outcome-unknown';
    throw known ? error : new ProviderFailure('unavailable', 'the message centre did not answer the bind');
  }
  ready = true;
  link.watch();
  return link;
}

async function connected({ config, dial, signal }: Context) {
  const { host, port, tls, timeoutMs } = config;
  const { ca, cert, privateKey: key, serverName: servername } = tls ?? {};
  const socket = dial({
    ...{ host, port },
    ...(tls && {
      tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), ...(servername && { servername }) },
    }),
  });
  try {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    await once(socket, tls ? 'secureConnect' : 'connect', { signal: stop });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    const { name, message } = error as Error;
    const why = name === 'AbortError' ? 'no connection was made in time' : message;
    throw new ProviderFailure('unavailable', `the message centre cannot be reached: ${why}`, { cause: error });
  }
}
