import { secret, type StreamEvent } from '#normalizer';
import type { DialAddress, DialTls } from '#transport';
import { z } from 'zod';

/** `host:port`, an IPv6 address in brackets. */
export function serverAddress(): z.ZodString {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):\d{1,5}$/, 'expected host:port, without a protocol or credentials');
}

/** The setting `tls` of connectors that speak to a stream engine. */
export function tlsSettings() {
  const pem = (name: string) =>
    z.string().regex(/^\s*-----BEGIN [A-Z ]+-----/, `expected the text of a PEM file (${name})`);
  return z
    .object({
      ca: pem('CERTIFICATE').optional().describe('Certificate of the authority to trust, in place of the public ones.'),
      cert: pem('CERTIFICATE').optional().describe('Certificate that identifies us, where the server asks for one.'),
      privateKey: secret().optional().describe('Private key of `cert`.'),
      serverName: z.string().optional().describe("Name in the server's certificate, where it is not the host."),
    })
    .optional()
    .describe(
      'Encrypts the connection and verifies the certificate of the server; `{}` does for public authorities, else `ca`, `cert`, `privateKey` (PEM texts) and `serverName`.',
    );
}
export type TlsSettings = z.infer<ReturnType<typeof tlsSettings>>;

/** How long the confirmation of a delivery is waited for. */
export function confirmWithin() {
  return z
    .int()
    .min(100)
    .max(60_000)
    .default(15_000)
    .describe('How long to wait for a connection, and then for the confirmation of a delivery, milliseconds.');
}

export function dialAddress(server: string, tls: TlsSettings): DialAddress {
  const at = server.lastIndexOf(':');
  const host = server.slice(0, at).replace(/^\[|\]$/g, '');
  return { host, port: Number(server.slice(at + 1)), ...(tls && { tls: dialTls(tls) }) };
}

export function dialTls({ ca, cert, privateKey, serverName }: NonNullable<TlsSettings>): DialTls {
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(privateKey && { key: privateKey }),
    ...(serverName && { servername: serverName }),
  };
}

/** What keeps its order: the conversation of an event, else its contact or account. An erased event, of which nothing is known, stands alone. */
export function orderingKey({ id, data }: StreamEvent): string {
  return data?.conversation?.id ?? data?.contact?.id ?? data?.account?.id ?? id;
}

/** What goes along with an event in the words of every engine: header or field names and their values. */
export function marks(event: StreamEvent, replay: boolean): Record<string, string> {
  return {
    'tributary-id': event.id,
    'tributary-type': event.type,
    ...(replay && { 'tributary-replay': 'true' }),
  };
}
