import { describe, expect, it } from '@jest/globals';
import type { Settings } from '#config';
import { hashKey } from '#conversations';
import type { Database } from '#database';
import type { FastifyRequest } from 'fastify';
import type { ApiOptions } from '../api/options.js';
import { MetricsAccess } from './metrics-access.js';
import { Metrics } from './metrics.js';
import { Readiness } from './readiness.js';

describe('/metrics', () => {
  const keys: Record<string, string[]> = {
    [hashKey('an-admin')]: ['admin'],
    [hashKey('a-reader')]: ['events:read'],
    [hashKey('a-scraper')]: ['metrics:read'],
  };
  const database = {
    query: async (_: unknown, [hash]: [string]) =>
      keys[hash] ? [{ id: 'key_1', scopes: keys[hash], accounts: null }] : [],
  } as unknown as Database;
  const demand = (from: { address: string; headers?: Record<string, string>; open?: boolean }) => {
    const settings = { metrics: { public: from.open ?? false } } as Settings;
    const request = { raw: { socket: { remoteAddress: from.address } }, headers: from.headers ?? {} } as FastifyRequest;
    return new MetricsAccess(settings, database, { adminKey: 'the-admin-key' } as ApiOptions).demand(request);
  };
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

  it.each([
    ['this machine', { address: '127.0.0.1' }],
    ['this machine over IPv6', { address: '::1' }],
    ['this machine, mapped', { address: '::ffff:127.0.0.1' }],
    ['the admin key', { address: '10.0.0.9', headers: bearer('the-admin-key') }],
    ['a key with the scope admin', { address: '10.0.0.9', headers: bearer('an-admin') }],
    ['a key with the scope metrics:read', { address: '10.0.0.9', headers: bearer('a-scraper') }],
    ['everybody where the settings say so', { address: '10.0.0.9', open: true }],
  ])('is open to %s', async (_who, from) => {
    await expect(demand(from)).resolves.toBeUndefined();
  });

  it.each([
    ['other machines', { address: '10.0.0.9' }, 'unauthenticated'],
    [
      'others through a proxy on this machine',
      { address: '127.0.0.1', headers: { 'x-forwarded-for': '1.2.3.4' } },
      'unauthenticated',
    ],
    ['a wrong key', { address: '10.0.0.9', headers: bearer('the-admin-kez') }, 'unauthenticated'],
    ['a key without the scope', { address: '10.0.0.9', headers: bearer('a-reader') }, 'forbidden'],
  ])('is closed to %s', async (_who, from, code) => {
    await expect(demand(from)).rejects.toMatchObject({ code });
  });

  it('leaves a gauge out that cannot be read, and shows the others', async () => {
    const metrics = new Metrics();
    metrics.gauge('good', 'x', () => 7);
    metrics.gauge('bad', 'x', () => Promise.reject(new Error('away')));
    metrics.intakeRequest('http', 'accepted', 0.01);
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/^good 7$/m);
    expect(text).not.toMatch(/^bad \d/m);
    expect(text).toMatch(/^tributary_intake_requests_total\{channel="http",outcome="accepted"\} 1$/m);
  });
});

describe('readiness', () => {
  const healthy = { query: async () => [] } as unknown as Database;

  it('is there while nothing stands in the way, and gone once a stop begins', async () => {
    const readiness = new Readiness(healthy);
    let relay: string | null = 'the relay is not running';
    readiness.add(() => relay);
    expect(await readiness.obstacles()).toEqual(['the relay is not running']);
    relay = null;
    expect(await readiness.obstacles()).toEqual([]);
    readiness.drain();
    expect(await readiness.obstacles()).toEqual(['the process is stopping']);
  });

  it('is not there while the database cannot be reached', async () => {
    const readiness = new Readiness({ query: () => Promise.reject(new Error('gone')) } as unknown as Database);
    expect(await readiness.obstacles()).toEqual(['the database cannot be reached']);
  });
});
