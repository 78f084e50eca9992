import { expect, it } from '@jest/globals';
import { lastLogin, noteLogin, openMemory } from './wechaty.memory.js';

/** What all processes share, with a database that takes the longer the earlier it was asked. */
function database() {
  const values = new Map<string, string>();
  let slow = 30;
  return {
    values,
    remember: async (key: string, value: string) => {
      await new Promise((done) => setTimeout(done, (slow = Math.max(0, slow - 15))));
      values.set(key, value);
    },
    recall: async (key: string) => values.get(key),
  };
}

it('is read anew with every connection, so that no process goes on from what another has replaced', async () => {
  const shared = database();
  const one = await openMemory(shared);
  await one.set('token', 1);
  await one.save();
  const other = await openMemory(shared);
  expect(await other.get('token')).toBe(1);
  await other.set('token', 2);
  await other.save();
  expect(await (await openMemory(shared)).get('token')).toBe(2);
});

it('ends as it was saved last, though earlier saves take longer, and starts empty once it was destroyed', async () => {
  const shared = database();
  const card = await openMemory(shared);
  const saves: Promise<void>[] = [];
  for (const token of [1, 2, 3]) {
    await card.set('token', token);
    saves.push(card.save());
  }
  await Promise.all(saves);
  expect(await (await openMemory(shared)).get('token')).toBe(3);
  await card.destroy();
  expect(await (await openMemory(shared)).get('token')).toBeUndefined();
});

it('goes on saving after a save that failed', async () => {
  const shared = database();
  const { remember } = shared;
  shared.remember = () => Promise.reject(new Error('away'));
  const card = await openMemory({ ...shared, remember: (key, value) => shared.remember(key, value) });
  await expect(card.save()).rejects.toThrow('away');
  shared.remember = remember;
  await card.set('token', 4);
  await card.save();
  expect(await (await openMemory(shared)).get('token')).toBe(4);
});

it('keeps the last login beside it', async () => {
  const shared = database();
  expect(await lastLogin(shared)).toBeUndefined();
  const login = { until: '2026-11-21T09:31:00.000Z', user: null };
  await noteLogin(shared, login);
  expect(await lastLogin(shared)).toEqual(login);
});
