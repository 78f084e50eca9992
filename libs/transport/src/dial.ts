import { connect as openTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as openTls } from 'node:tls';
import { type AddressGuard, blocked, guardedLookup, type Resolve } from './guard.js';

/** Where a connection goes. With `tls` it is encrypted, and the certificate of the other side is verified. */
export interface DialAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: DialTls;
}

/** PEM texts: whom to trust in place of the public authorities, and what to identify ourselves by. */
export interface DialTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name in the other side's certificate, where it is not the host. */
  readonly servername?: string;
}

/**
 * Begins a connection for protocols other than HTTP and returns its socket at once: `connect`, with TLS `secureConnect`, tells that it
 * stands, `error` that it does not. The same guard as for HTTP: a refused address is an `error` with a `BlockedAddress`.
 */
export type Dial = (address: DialAddress) => Socket;

/** Makes a `Dial` that obeys the guard: literals are judged before, names within the lookup, the connected address once more. */
export function guardedDial(guard: AddressGuard, resolve?: Resolve): Dial {
  const lookup = guardedLookup(guard, resolve);
  return ({ host, port, tls }) => {
    const barred = isIP(host) !== 0 && guard.refusal(host) !== null;
    const options = {
      ...{ port, autoSelectFamily: true, noDelay: true, keepAlive: true },
      // A literal is never looked up: one that is refused becomes a name whose lookup fails.
      ...(barred ? { host: 'refused.invalid', lookup: failing(blocked(guard, host, host)) } : { host, lookup }),
    };
    const servername = tls?.servername ?? (isIP(host) ? '' : host);
    const socket = tls ? openTls({ ...options, ...tls, servername }) : openTcp(options);
    socket.prependOnceListener('connect', () => {
      const address = socket.remoteAddress ?? '';
      if (guard.refusal(address) !== null) socket.destroy(blocked(guard, host, address));
    });
    return socket;
  };
}

function failing(error: Error): LookupFunction {
  return (_hostname, _options, done) => setImmediate(() => done(error, ''));
}
