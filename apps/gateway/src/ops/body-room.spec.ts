import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { BodyRoom, countBodies } from './body-room.js';

const BODY = JSON.stringify({ text: 'x'.repeat(600) });

let server: FastifyInstance;
let room: BodyRoom;
let url: string;
let waiting: (() => void)[];

beforeEach(async () => {
  waiting = [];
  room = new BodyRoom(2_000);
  server = fastify();
  countBodies(server, room);
  server.post('/', async (request) => {
    if ((request.body as { text?: string }).text) await new Promise<void>((go) => waiting.push(go));
    return 'taken';
  });
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => server.close());

const post = (body: string) => fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
const until = async (met: () => boolean) => {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('the room for bodies', () => {
  const MIB = 1_048_576;
  const KIB = 1_024;
  /** Slow senders: what arrives, 1 KiB at a time, stays, until some is refused. Answers how much that was, in MiB. */
  const fill = (addresses: readonly string[]): number[] =>
    addresses.map((address) => {
      const claim = room.claim(address);
      let taken = 0;
      while (claim.take(KIB)) taken += KIB;
      return taken / MIB;
    });

  it('is never filled by one sender: half of it is left for others', () => {
    room = new BodyRoom(64 * MIB);
    expect(fill(['198.51.100.1'])).toEqual([32]);
    expect(room.claim('198.51.100.2').take(8 * MIB)).toBe(true);
    expect(room.claim('198.51.100.1').take(1)).toBe(false);
  });

  it('is not filled by ten either: the last eighth is for those that hold at most 256 KiB', () => {
    room = new BodyRoom(64 * MIB);
    const many = Array.from({ length: 10 }, (_, n) => `198.51.100.${n + 1}`);
    expect(fill(many)).toEqual([32, 16, 8, ...Array<number>(7).fill(0.25)]);
    expect(room.claim('203.0.113.9').take(256 * KIB)).toBe(true);
    expect(room.claim('203.0.113.9').take(1)).toBe(false);
    expect(room.claim('203.0.113.10').take(256 * KIB + 1)).toBe(false);
  });

  it('never holds more than it has', () => {
    room = new BodyRoom(64 * MIB);
    fill(Array.from({ length: 60 }, (_, n) => `198.51.100.${n + 1}`));
    expect(room.bytes).toBe(64 * MIB);
  });

  it('takes the IPv6 addresses of one site, a /48, for one sender', () => {
    room = new BodyRoom(64 * MIB);
    expect(fill(['2001:db8:1::1', '2001:db8:1:2::1', '2001:db8:1:ffff::1'])).toEqual([32, 0, 0]);
    expect(fill(['2001:db8:2::1', '198.51.100.1'])).toEqual([16, 8]);
  });

  it('is given back to its sender', () => {
    room = new BodyRoom(64 * MIB);
    const claim = room.claim('198.51.100.1');
    expect(claim.take(32 * MIB)).toBe(true);
    expect(room.claim('198.51.100.1').take(1)).toBe(false);
    claim.release();
    claim.release();
    expect(room.bytes).toBe(0);
    expect(room.claim('198.51.100.1').take(32 * MIB)).toBe(true);
  });
});

describe('bodies in memory', () => {
  it('have room until their request is answered; one without room is refused, small ones go on', async () => {
    const first = post(BODY);
    await until(() => waiting.length === 1);
    expect((await post(BODY)).status).toBe(503);
    expect((await post('{}')).status).toBe(200);
    waiting[0]!();
    expect((await first).status).toBe(200);
    await until(() => room.bytes === 0);
    const again = post(BODY);
    await until(() => waiting.length === 2);
    waiting[1]!();
    expect((await again).status).toBe(200);
  });

  it('count as far as they have arrived, and no longer than their sender is there', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"text":"',
    );
    await until(() => room.bytes > 0);
    expect(room.bytes).toBe(9);
    socket.destroy();
    await until(() => room.bytes === 0);
  });
});
