import { once } from 'node:events';
import type { ProviderFailure } from '#normalizer';
import type { Dial } from '#transport';
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import type { MailContext } from '../context.js';
import { withLogin, type Login } from '../login/login.js';
import { portOf, type Mailbox } from '../settings.js';
import { imapFailure } from './failures.js';

type Socket = ReturnType<Dial>;
/** How the library has names looked up: the `lookup` of node:net. */
type Lookup = (
  host: string,
  options: { readonly all?: boolean },
  done: (error: null, found: string | readonly { address: string; family: number }[], family?: number) => void,
) => void;

/** Most octets of one mail beside its size: what surrounds it in an answer. */
const SPARE = 1_048_576;

/**
 * Connects to the mailbox, encrypted, and logs in; the address is guarded as all connections are. A token that is refused is fetched anew
 * once. Throws `ProviderFailure`.
 */
export function openImap(ctx: MailContext): Promise<ImapFlow> {
  return withLogin('imap', ctx, async (login) => {
    const socket = await dialled(ctx);
    const way = wayOf(socket, ctx.config);
    if (ctx.config.imap.security === 'starttls') socket.destroy();
    const client = new ImapFlow({ ...optionsOf(ctx.config, login), ...way });
    // Why it ended: what waits for an answer is told nothing but that it did.
    client.on('error', (error: unknown) => endings.set(client, error));
    const stop = () => client.close();
    ctx.signal.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.close();
      throw imapFailure(error);
    } finally {
      ctx.signal.removeEventListener('abort', stop);
    }
  });
}

const endings = new WeakMap<ImapFlow, unknown>();

/** What became of a connection that ended, or of a command on it. */
export function endOf(client: ImapFlow, error?: unknown): ProviderFailure {
  return imapFailure(client.usable ? error : (endings.get(client) ?? error));
}

/** A connection to the address, as yet without TLS. */
async function dialled({ config, dial, signal }: MailContext): Promise<Socket> {
  const socket = dial({ host: config.imap.host, port: portOf(config, 'imap') }).on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(config.imap.timeoutMs)]) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw imapFailure(error);
  }
}

function optionsOf(config: Mailbox, login: Login): ImapFlowOptions {
  const { timeoutMs } = config.imap;
  return {
    ...{ auth: login, logger: false, disableAutoIdle: true, disableCompression: true },
    clientInfo: { name: 'Tributary', version: '1', vendor: 'Tributary', 'support-url': false },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ maxLiteralSize: config.maxBytes + SPARE, maxLineLength: 8 * SPARE },
    maxResponseSize: config.maxBytes + 16 * SPARE,
  };
}

/**
 * TLS begins on the connection that stands. STARTTLS the library makes itself, after a connection of its own: to the very address that
 * was guarded. Without STARTTLS, or with anything said between its answer and the handshake, it ends before the login.
 */
function wayOf(socket: Socket, { imap: { host, port, security, tls } }: Mailbox): ImapFlowOptions {
  const common = {
    ...{ host, ...(port !== undefined && { port }) },
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
  const trusted = { ...(tls.ca !== undefined && { ca: tls.ca }) };
  if (security === 'tls') return { ...common, port: socket.remotePort, secure: true, tls: { ...trusted, socket } };
  const lookup = pinned(socket);
  return { ...common, port: socket.remotePort, secure: false, doSTARTTLS: true, tls: { ...trusted, lookup } as object };
}

function pinned({ remoteAddress = '', remoteFamily }: Socket): Lookup {
  const family = remoteFamily === 'IPv6' ? 6 : 4;
  return (_host, { all }, done) =>
    all ? done(null, [{ address: remoteAddress, family }]) : done(null, remoteAddress, family);
}

/** Takes leave, for at most as long as that takes of itself. */
export async function leave(client: ImapFlow): Promise<void> {
  await client.logout().catch(() => undefined);
  client.close();
}
