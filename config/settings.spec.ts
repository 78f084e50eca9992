import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { loadSettings, SettingsError, settingsReference, type Settings } from './index.js';

const channels = {
  webchat: z.object({ origins: z.array(z.string()).optional(), secret: z.string().min(8).optional() }),
  'sms-twilio': z.object({
    accountSid: z.string().regex(/^AC/, 'expected an account SID, which begins with AC'),
    authToken: z.string().min(1),
    from: z.string(),
    retries: z.int().default(3),
    apiBase: z.url().default('https://api.twilio.com'),
  }),
};
const connectors = { webhook: z.object({ url: z.url({ protocol: /^https?$/ }), secret: z.string().optional() }) };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(yaml: string, env: NodeJS.ProcessEnv = {}): Settings {
  const file = join(folder, 'tributary.yaml');
  writeFileSync(file, yaml);
  return loadSettings({ env: { TRIBUTARY_CONFIG: file, ...env }, channels, connectors });
}

function problems(yaml: string, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    load(yaml, env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map(({ key, line, expected }) => `${line ?? 'env'} ${key}: ${expected}`);
  }
  return [];
}

describe('a settings file that works', () => {
  it('starts with defaults where nothing is said, the demo off', () => {
    expect(load('')).toMatchObject({
      demo: false,
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://127.0.0.1:3000',
      logLevel: 'info',
      accounts: [],
      network: { allow: [], trustedProxies: [] },
      database: { sync: 'commit' },
      files: { store: 'dir', maxBytes: 104_857_600 },
      retention: { dedupe: 90 * 86_400 },
    });
  });

  it('puts the environment in, as text and where a number or a truth value is expected', () => {
    const yaml = `
demo: \${DEMO}
accounts:
  - id: sms
    type: sms-twilio
    reopenWithin: 2h
    config: { accountSid: AC1, authToken: "\${TOKEN}", from: "x-\${FROM}-$\${FROM}", retries: "\${RETRIES}" }
`;
    const settings = load(yaml, { DEMO: 'true', TOKEN: '0123', FROM: '7', RETRIES: '5' });
    expect(settings.demo).toBe(true);
    expect(settings.accounts[0]).toMatchObject({
      reopenWithin: 7_200,
      config: { authToken: '0123', from: 'x-7-${FROM}', retries: 5 },
    });
  });

  it('lets the environment win over the file', () => {
    const yaml = 'publicUrl: https://a.example/\nlogLevel: warn';
    expect(load(yaml)).toMatchObject({ publicUrl: 'https://a.example', logLevel: 'warn' });
    expect(load(yaml, { PUBLIC_URL: 'https://b.example', LOG_LEVEL: 'debug', PORT: '0' })).toMatchObject({
      publicUrl: 'https://b.example',
      logLevel: 'debug',
      port: 0,
    });
  });
});

describe('a settings file that does not', () => {
  const twilio = (config: string) => `accounts:\n  - id: sms\n    type: sms-twilio\n    config:\n${config}`;

  it.each<[string, string, string[]]>([
    ['an unknown key', 'demo: true\nacounts: []', ['2 acounts: is not a known key; did you mean "accounts"?']],
    ['an unknown key far from any', 'zzzzz: 1', ['1 zzzzz: is not a known key']],
    ['a wrong type', 'demo: perhaps', ['1 demo: expected true or false; found a text']],
    [
      'a wrong level',
      'logLevel: inf',
      ['1 logLevel: expected one of fatal, error, warn, info, debug, trace, silent; did you mean "info"?'],
    ],
    [
      'no address',
      'network:\n  allow:\n    - 10.0.0.0/8\n    - somewhere',
      ['4 network.allow[1]: expected an address or a CIDR range such as 10.0.0.0/8'],
    ],
    [
      'no length of time',
      'retention:\n  events: soon',
      ['2 retention.events: expected a length of time such as 90s, 30m, 72h or 7d'],
    ],
    ['too short a memory', 'retention: { dedupe: 29d }', ['1 retention.dedupe: expected 30d or more']],
    ['a list that is none', 'accounts: web', ['1 accounts: expected a list; found a text']],
    ['a missing key', 'accounts:\n  - type: webchat', ['2 accounts[0].id: expected a text; it is missing']],
    [
      'an id with a colon',
      'accounts:\n  - id: "a:b"\n    type: webchat',
      [
        '2 accounts[0].id: expected letters, digits, dot, dash and underscore, at most 100, beginning with a letter or digit',
      ],
    ],
    [
      'the same id twice',
      'accounts:\n  - { id: a, type: webchat }\n  - { id: a, type: webchat }',
      ['3 accounts[1].id: expected an id of its own; accounts[0] has the same'],
    ],
    [
      'an unknown channel',
      'accounts:\n  - id: a\n    type: sms-twillio',
      ['3 accounts[0].type: expected a channel that exists; did you mean "sms-twilio"? (known: sms-twilio, webchat)'],
    ],
    [
      'an unknown connector',
      'destinations:\n  - id: a\n    type: carrier-pigeon',
      ['3 destinations[0].type: expected a kind of destination that exists (known: webhook)'],
    ],
    [
      'a bad URL of a destination',
      'destinations:\n  - id: a\n    type: webhook\n    config:\n      url: nowhere',
      ['5 destinations[0].config.url: expected a URL such as https://example.com'],
    ],
    [
      'an unknown key of a channel',
      twilio('      accountSid: AC1\n      authTokn: x\n      authToken: x\n      from: y'),
      ['6 accounts[0].config.authTokn: is not a known key; did you mean "authToken"?'],
    ],
    [
      "a channel's own rule",
      twilio('      accountSid: ZZ1\n      authToken: x\n      from: y'),
      ['5 accounts[0].config.accountSid: expected an account SID, which begins with AC'],
    ],
    [
      'a missing key of a channel',
      twilio('      accountSid: AC1\n      from: y'),
      ['4 accounts[0].config.authToken: expected a text; it is missing'],
    ],
    [
      'a number for a text',
      twilio('      accountSid: AC1\n      authToken: 12345\n      from: y'),
      ['6 accounts[0].config.authToken: expected a text; found a number'],
    ],
    [
      'a variable that is not set',
      'publicUrl: ${NOWHERE}',
      ['1 publicUrl: the environment variable NOWHERE is not set'],
    ],
    [
      'half a variable',
      'accounts:\n  - id: a\n    type: webchat\n    name: "x ${HALF"',
      ['4 accounts[0].name: expected the name of an environment variable between ${ and }; write $${ for a literal ${'],
    ],
    ['a store of no kind', 'files: { store: tape }', ['1 files.store: expected another value of store']],
    [
      'a key of the other store',
      'files: { store: s3, endpoint: "https://s3.example", bucket: b, accessKeyId: a, secretAccessKey: s, prefx: p }',
      ['1 files.prefx: is not a known key; did you mean "prefix"?'],
    ],
    [
      'several at once',
      'demo: 1\nlogLevel: 2\naccounts:\n  - { id: a }',
      [
        '1 demo: expected true or false; found a number',
        '2 logLevel: expected one of fatal, error, warn, info, debug, trace, silent',
        '4 accounts[0].type: expected a text; it is missing',
      ],
    ],
  ])('%s', (_name, yaml, expected) => {
    expect(problems(yaml)).toEqual(expected);
  });

  it('names line and fault of what is no YAML', () => {
    const [first] = problems('demo: true\naccounts: [');
    expect(first).toMatch(/^2 : no valid YAML here: /);
    expect(problems('demo: true\ndemo: false')[0]).toMatch(/^2 : no valid YAML here: .*unique/);
  });

  it('lists what is wrong with the environment beside the file', () => {
    expect(problems('demo: 1', { PORT: '99999', DATABASE_URL: 'mysql://x', TRIBUTARY_ADMIN_KEY: 'short' })).toEqual([
      'env PORT: expected a port between 0 and 65535',
      'env DATABASE_URL: expected an address such as postgres://user:password@host:5432/database',
      'env TRIBUTARY_ADMIN_KEY: expected at least 16 characters',
      '1 demo: expected true or false; found a number',
    ]);
  });

  it('says where it looked for a file that does not exist', () => {
    const attempt = () =>
      loadSettings({ env: { TRIBUTARY_CONFIG: join(folder, 'nowhere.yaml') }, channels, connectors });
    expect(attempt).toThrow(/TRIBUTARY_CONFIG: expected a settings file at .*nowhere\.yaml: there is no such file/);
  });

  it('never repeats a value, which may be a secret', () => {
    const canary = 'canary-5f2d';
    const yaml = `${twilio(`      accountSid: ${canary}\n      authToken: [${canary}]\n      from: y`)}\nlogLevel: ${canary}\nfiles: ${canary}`;
    expect(problems(yaml).length).toBeGreaterThan(3);
    expect(problems(yaml).join()).not.toContain(canary);
  });
});

describe('what is in the repository', () => {
  it('has a reference that agrees with the schema', () => {
    expect(readFileSync('docs/reference/settings.md', 'utf8')).toBe(settingsReference());
  });
});
