import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeOnServer, openGate, type Gate, type Sink } from '#helpdesk/testing';
import { newSecret, Poster, startGateway, stopEverything, until, type Gateway } from '../support/index.js';
import { engines, SECRETS } from './engines.js';

jest.setTimeout(120_000);

const secret = newSecret();
let gateway: Gateway;
let poster: Poster;
let posts = 0;

beforeAll(async () => {
  const account = { id: 'app', type: 'http', config: { secret, url: 'https://app.example/out' } };
  gateway = await startGateway({ config: { accounts: [account] } });
  poster = new Poster(gateway, 'app', secret);
});
afterAll(stopEverything);

/** A customer's message; resolves once the sink has it, as an event. */
async function arrives(sink: Sink, thread: string): Promise<void> {
  const messageId = await poster.write({ id: `sink-${(posts += 1)}`, thread });
  await until('the event', async () =>
    (await sink.taken()).some(({ body }) => JSON.stringify(body).includes(messageId)),
  );
}

describe('the running gateway', () => {
  for (const engine of engines)
    describeOnServer(`with ${engine.type}`, engine.missing, (title) =>
      describe(title, () => {
        let sink: Sink;
        let gate: Gate;
        const id = `to-${engine.type}`;
        const path = `/v1/destinations/${id}`;

        beforeAll(async () => {
          gate = await openGate();
          sink = await engine.start(gate.port);
          gate.lead(sink.port);
        });
        afterAll(() => Promise.all([sink?.close(), gate?.close()]));

        it('hands the stream over, as it is in the API', async () => {
          const config = engine.config(`127.0.0.1:${gate.port}`);
          const made = await gateway.api.post('/v1/destinations', { id, type: engine.type, config });
          expect(made.status).toBe(201);
          expect(JSON.stringify(made.body)).not.toMatch(new RegExp(SECRETS.join('|')));
          await arrives(sink, `room-${engine.type}`);
          const [taken, stored] = [await sink.taken(), await gateway.api.stream()];
          const bodies = taken.map(({ body }) => (body as { id: string }).id);
          expect(taken.length).toBeGreaterThan(1);
          expect(taken.map(({ body }) => body)).toEqual(
            bodies.map((known) => stored.find((event) => event.id === known)),
          );
        });

        it('says in words whether it can be used', async () => {
          const check = async () => (await gateway.api.post<{ ok: boolean; detail: string }>(`${path}/check`)).body;
          expect(await check()).toMatchObject({ ok: true });
          gate.set('shut');
          expect(await check()).toMatchObject({ ok: false, detail: expect.stringContaining('not answer') });
          gate.set('open');
          expect(await check()).toMatchObject({ ok: true });
        });

        it('goes over to new settings, and keeps no connection of the old ones', async () => {
          await arrives(sink, 'before');
          const standing = gate.standing;
          expect(standing).toBeGreaterThan(0);
          const config = { ...engine.config(`127.0.0.1:${gate.port}`), ...engine.elsewhere };
          const changed = await gateway.api.patch(path, { config });
          expect(changed.status).toBe(200);
          await until('the connections of before are closed', () => gate.standing === 0);
          await arrives(sink, 'after');
          expect(gate.standing).toBeLessThanOrEqual(standing);
        });

        it('closes its connections with the destination', async () => {
          expect((await gateway.api.delete(path)).status).toBe(204);
          await until('the connections are closed', () => gate.standing === 0);
        });
      }),
    );

  it('stops with connections that stand, and has written no password', async () => {
    for (const engine of engines)
      await gateway.api.post('/v1/destinations', { id: engine.type, type: engine.type, config: engine.config('127.0.0.1:1') }); // prettier-ignore
    await poster.write({ id: 'last', thread: 'last' });
    const ended = await gateway.stop();
    expect(ended).toMatchObject({ code: 0, signal: null });
    for (const password of SECRETS) expect(gateway.logs).not.toContain(password);
  });
});
