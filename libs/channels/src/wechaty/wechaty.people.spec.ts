import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Puppet } from 'wechaty-puppet';
import { NoAnswer, type Ask } from './wechaty.asking.js';
import { People, type Payload } from './wechaty.people.js';

let friends: Map<string, Partial<Payload>>;
let time: number;
let asked: number;
let together: number;
let most: number;
let broken: Map<string, Error>;
let people: People;

const puppet = {
  contactList: async () => [...friends.keys()],
  async contactPayload(id: string) {
    asked += 1;
    most = Math.max(most, (together += 1));
    await new Promise((done) => setImmediate(done));
    together -= 1;
    const error = broken.get(id);
    if (error) throw error;
    return friends.get(id);
  },
} as unknown as Puppet;
const ask: Ask = async (work) => work(puppet);
const keyOf = (id: string) => people.keyOf(id, friends.get(id) as Payload | undefined);

beforeEach(() => {
  friends = new Map(Array.from({ length: 200 }, (_, i) => [`@${i}`, { alias: `客户${i}` }]));
  broken = new Map();
  [time, asked, together, most] = [0, 0, 0, 0];
  people = new People(ask, () => time);
});

describe('friends of a puppet whose ids last for one login', () => {
  it('are asked about once, few at a time, however many messages come', async () => {
    for (let i = 0; i < 200; i += 1) expect(await keyOf(`@${i}`)).toBe(`alias:客户${i}`);
    expect(await people.idOf('alias:客户7')).toBe('@7');
    expect([asked, most <= 16]).toEqual([200, true]);
  });

  it('are asked about again when the puppet says that they changed, after a while, and where one is not known', async () => {
    await keyOf('@1');
    friends.set('@1', { alias: '王总' });
    people.changed();
    expect(await people.idOf('alias:王总')).toBe('@1');
    expect(asked).toBe(400);
    friends.set('@1', { alias: '李总' });
    time += 10_000;
    expect(await keyOf('@1')).toBe('alias:李总');
    expect(asked).toBe(600);
    time += 600_000;
    await keyOf('@1');
    expect(asked).toBe(800);
  });

  it('that share an alias, or have one that another has in what is known, are never taken for each other', async () => {
    await keyOf('@1');
    friends.set('@new', { alias: '客户1' });
    time += 10_000;
    expect([await keyOf('@new'), await keyOf('@1')]).toEqual(['@new', '@1']);
    expect(await people.idOf('alias:客户1')).toBeUndefined();
  });

  it('of whom the puppet cannot tell are left out; one that does not answer tells nothing of anybody', async () => {
    broken.set('@5', new Error('reset'));
    expect(await keyOf('@1')).toBe('alias:客户1');
    people.changed();
    broken.set('@5', new NoAnswer());
    await expect(keyOf('@1')).rejects.toThrow(NoAnswer);
  });
});
