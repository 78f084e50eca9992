import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openImap } from '#mail';
import { addressGuard, guardedDial } from '#transport';
import { fakeProvider, selfSigned, type FakeProvider, type Responder } from '#transport/testing';
import { mail, ReaderStage } from '../testing/reader-stage.js';

let stage: ReaderStage;
let tokens: FakeProvider | undefined;
afterEach(async () => {
  await stage.close();
  await tokens?.close();
  tokens = undefined;
});

/** What connecting throws. */
async function failure(): Promise<unknown> {
  const client = await openImap(stage.context()).catch((error: unknown) => error);
  expect(client).toBeInstanceOf(Error);
  return client;
}

describe('a connection to a mailbox', () => {
  it('by STARTTLS reads as one by TLS does', async () => {
    stage = await ReaderStage.set({ imap: { security: 'starttls' }, server: { starttls: true } });
    await stage.open();
    stage.imap.deliver(mail('one'));
    await stage.until(() => stage.stored.size === 1, 'mail');
    expect(stage.imap.commands.indexOf('STARTTLS')).toBeLessThan(
      stage.imap.commands.findIndex((command) => command.startsWith('AUTHENTICATE')),
    );
  });

  it.each([
    ['offers no STARTTLS', (command: string) => (command === 'STARTTLS' ? 'TAG BAD unknown\r\n' : undefined)],
    ['refuses it', (command: string) => (command === 'STARTTLS' ? 'TAG NO not now\r\n' : undefined)],
    [
      'leaves it out of what it offers',
      (command: string) => (command === 'CAPABILITY' ? '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK\r\n' : undefined),
    ],
  ])('says nothing to a server that %s', async (_what, whim) => {
    stage = await ReaderStage.set({ imap: { security: 'starttls' }, server: { starttls: true } });
    stage.imap.whim = whim;
    expect(await failure()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('STARTTLS') });
    expect(stage.imap.tried).toEqual([]);
  });

  it.each(['* OK trust me\r\n', '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nX1 OK done\r\n'])(
    'ends where somebody speaks before TLS: %j',
    async (injected) => {
      stage = await ReaderStage.set({ imap: { security: 'starttls' }, server: { starttls: true, injected } });
      expect(await failure()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('before TLS') });
      expect(stage.imap.tried).toEqual([]);
    },
  );

  it('that says it is logged in already is not believed before TLS', async () => {
    stage = await ReaderStage.set({
      imap: { security: 'starttls' },
      server: { starttls: true, greeting: '* PREAUTH welcome' },
    });
    stage.imap.whim = (command) => (command === 'STARTTLS' ? 'TAG BAD logged in already\r\n' : undefined);
    expect(await failure()).toMatchObject({ code: 'unavailable' });
  });

  it('is not made without TLS: a server that speaks plainly is told nothing', async () => {
    stage = await ReaderStage.set();
    let heard = '';
    const links = new Set<Socket>();
    const plain = createServer((link) => {
      links.add(link);
      link.on('error', () => undefined).on('data', (octets) => (heard += octets.toString('latin1')));
      link.write('* OK plain\r\n');
    });
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
    const { config, ...ctx } = stage.context();
    const imap = { ...config.imap, port: (plain.address() as AddressInfo).port };
    await expect(openImap({ ...ctx, config: { ...config, imap } })).rejects.toMatchObject({ code: 'unavailable' });
    links.forEach((link) => link.destroy());
    await new Promise((done) => plain.close(done));
    expect(heard).not.toContain('secret');
    expect(heard).not.toContain(Buffer.from('\0support@shop.test\0secret').toString('base64'));
  });

  it.each(['tls', 'starttls'])('ends where the certificate is of somebody else (%s)', async (security) => {
    const server = { tls: selfSigned('evil.test'), starttls: security === 'starttls' };
    stage = await ReaderStage.set({ imap: { security }, server });
    expect(await failure()).toMatchObject({ message: expect.stringContaining('certificate') });
    expect(stage.imap.tried).toEqual([]);
  });

  it.each(['tls', 'starttls'])('is not made to an address that is guarded (%s)', async (security) => {
    stage = await ReaderStage.set({ imap: { security }, server: { starttls: security === 'starttls' } });
    const ctx = { ...stage.context(), dial: guardedDial(addressGuard([])) };
    await expect(openImap(ctx)).rejects.toMatchObject({ code: 'config-invalid' });
    expect(stage.imap.connections).toBe(0);
  });

  it.each([
    ['NO [AUTHENTICATIONFAILED] no', 'unauthorized', 'refuses the login'],
    ['NO LOGIN Login error, use authorization code', 'unauthorized', '授权码'],
    ['NO [ALERT] Application-specific password required', 'unauthorized', 'app password'],
    ['NO [UNAVAILABLE] later', 'unavailable', 'later'],
    ['NO [LIMIT] Too many connections', 'throttled', 'later'],
    ['NO Too many simultaneous connections.', 'throttled', 'later'],
  ])('says what a refusal is about: %s', async (answer, code, words) => {
    stage = await ReaderStage.set();
    stage.imap.whim = (command) => (command === 'AUTHENTICATE' ? `TAG ${answer}\r\n` : undefined);
    const error = await failure();
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect((error as Error).message).not.toContain('secret');
  });

  it('tells the server who we are before a folder is opened, as some demand', async () => {
    stage = await ReaderStage.set();
    await stage.open();
    const id = stage.imap.commands.findIndex((command) => command.startsWith('ID '));
    expect(id).toBeGreaterThanOrEqual(0);
    expect(id).toBeLessThan(stage.imap.commands.findIndex((command) => command.startsWith('EXAMINE')));
  });
});

describe('a mailbox that is opened with OAuth', () => {
  const capabilities = (mechanism: string) => ['IMAP4rev1', 'ID', 'IDLE', `AUTH=${mechanism}`, 'AUTH=PLAIN'];

  async function withTokens(respond: Responder, { oauth = {}, mechanism = 'XOAUTH2' } = {}): Promise<void> {
    tokens = await fakeProvider(respond);
    const settings = { provider: 'microsoft', clientId: 'app', clientSecret: 'shh', refreshToken: 'r0' };
    stage = await ReaderStage.set({
      more: { password: undefined, oauth: { ...settings, endpoint: `${tokens.url}/token`, ...oauth } },
      server: { capabilities: capabilities(mechanism) },
    });
    stage.imap.takes = (token) => token === 'good';
  }
  const asked = () => tokens!.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())));

  it.each(['XOAUTH2', 'OAUTHBEARER'])('logs in by %s, with one token for many connections', async (mechanism) => {
    await withTokens(() => ({ body: { access_token: 'good' } }), { mechanism });
    for (let i = 0; i < 3; i += 1) (await openImap(stage.context())).close();
    expect(stage.imap.commands.filter((said) => said.startsWith(`AUTHENTICATE ${mechanism}`))).toHaveLength(3);
    expect(asked()).toEqual([
      {
        ...{ grant_type: 'refresh_token', client_id: 'app', client_secret: 'shh', refresh_token: 'r0' },
        scope: expect.stringContaining('IMAP.AccessAsUser.All'),
      },
    ]);
  });

  it('fetches a token anew, once, when the login is refused', async () => {
    await withTokens((_request, index) => ({ body: { access_token: index === 0 ? 'old' : 'good' } }));
    (await openImap(stage.context())).close();
    expect(stage.imap.tried).toEqual(['old', 'good']);
    stage.imap.takes = () => false;
    expect(await failure()).toMatchObject({ code: 'unauthorized' });
    expect(stage.imap.tried).toEqual(['old', 'good', 'good', 'good']);
  });

  it('goes on with the refresh token that came last, and with that of the settings once that is refused', async () => {
    await withTokens(({ body }, index) => {
      const given = new URLSearchParams(body.toString()).get('refresh_token');
      if (given === 'r1' && index > 1) return { status: 400, body: { error: 'invalid_grant' } };
      return { body: { access_token: index === 0 ? 'old' : 'good', refresh_token: 'r1' } };
    });
    (await openImap(stage.context())).close();
    await stage.context().forget('email:access-token');
    (await openImap(stage.context())).close();
    expect(asked().map(({ refresh_token: token }) => token)).toEqual(['r0', 'r1', 'r1', 'r0']);
  });

  it('by its own permission (Microsoft)', async () => {
    await withTokens(() => ({ body: { access_token: 'good' } }), {
      oauth: { grant: 'client-credentials', tenant: 'shop.example', refreshToken: undefined },
    });
    (await openImap(stage.context())).close();
    expect(asked()).toEqual([
      {
        ...{ grant_type: 'client_credentials', client_id: 'app', client_secret: 'shh' },
        scope: 'https://outlook.office365.com/.default',
      },
    ]);
  });

  it('by a service account that acts for the mailbox (Google)', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await withTokens(() => ({ body: { access_token: 'good' } }), {
      oauth: { provider: 'google', grant: 'client-credentials', privateKey: key, clientSecret: undefined },
    });
    (await openImap(stage.context())).close();
    const [{ grant_type: grant, assertion = '' } = {}] = asked();
    expect(grant).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head, claims, signature] = assertion.split('.') as [string, string, string];
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      ...{ iss: 'app', sub: 'support@shop.test', scope: 'https://mail.google.com/', aud: `${tokens!.url}/token` },
    });
  });

  it.each([
    [{ status: 400, body: { error: 'invalid_grant' } }, 'unauthorized', 'not good any more'],
    [{ status: 401, body: { error: 'invalid_client' } }, 'unauthorized', 'secret'],
    [{ status: 400, body: { error: '<script>' } }, 'content-refused', '400'],
    [{ status: 503, body: 'away' }, 'unavailable', '503'],
    [{ body: { access_token: 7 } }, 'unavailable', 'without a token'],
    ['reset' as const, 'unavailable', 'token server'],
  ])('says why there is no token: %j', async (answer, code, words) => {
    await withTokens(() => answer);
    expect(await failure()).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(stage.imap.connections).toBe(0);
  });
});
