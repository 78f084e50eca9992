import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '#config';
import { configSchemas } from './engine.js';

const load = (file: string, env: NodeJS.ProcessEnv = {}) =>
  loadSettings({ env: { TRIBUTARY_CONFIG: file, ...env }, ...configSchemas });

describe('the settings files of the repository', () => {
  it('start a fresh clone with the demo and one web chat', () => {
    expect(load('config/tributary.yaml')).toMatchObject({
      demo: true,
      network: { allow: ['127.0.0.1/32'] },
      accounts: [{ id: 'web', type: 'webchat' }],
      destinations: [],
    });
  });

  it('show every setting in an example that works, and name what its environment lacks', () => {
    const example = load('config/tributary.example.yaml', {
      APP_SECRET: 'secret-of-app',
      HOOK_SECRET: 'secret-of-hook',
      CRM_TOKEN: 'token-of-crm',
      GATEWAY_MAIL_PASSWORD: 'password-of-gateway',
    });
    expect(example).toMatchObject({
      demo: false,
      accounts: [{ id: 'web' }, { id: 'app' }],
      destinations: [{ id: 'helpdesk' }, { id: 'billing', type: 'email' }],
      crm: { type: 'http', budget: 300, ttl: 600, link: 'verified' },
    });
    expect(() => load('config/tributary.example.yaml')).toThrow(
      /example\.yaml:42 .*config\.secret: the environment variable APP_SECRET is not set/,
    );
  });
});
