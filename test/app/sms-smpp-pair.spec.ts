import { afterAll, expect, it, jest } from '@jest/globals';
import { Command } from '../../libs/channels/src/sms-smpp/pdu.js';
import { deliver, FakeSmsc } from '../../libs/channels/src/sms-smpp/testing/fake-smsc.js';
import { describeWithPostgres, expireLeases, setStage, stopEverything, until } from '../support/index.js';

jest.setTimeout(180_000);
afterAll(stopEverything);

const HOLDING: readonly number[] = [Command.bindTransceiver, Command.unbind];

describeWithPostgres('two processes and one SMPP account', (postgres) => {
  it('one is bound, whichever takes the answer; the other takes over when it dies', async () => {
    const smsc = await FakeSmsc.start();
    const url = await postgres.database();
    const config = { host: '127.0.0.1', port: smsc.port, systemId: 'shop', password: 'secret', from: '80808' };
    const stage = await setStage({
      databaseUrl: url,
      accounts: [{ id: 'sms', type: 'sms-smpp', name: 'Hotline', config: { ...config, timeoutMs: 3_000 } }],
    });
    /** Binds and leaves, in order. */
    const held = () => smsc.heard.map(({ command }) => command).filter((command) => HOLDING.includes(command));
    const binds = () => held().filter((command) => command === Command.bindTransceiver).length;
    await until('the bind', () => binds() > 0);
    const twin = await stage.twin();
    const octets = Buffer.from('hello');
    await until('a message to be taken', () => smsc.say(deliver({ octets })));
    const event = await until('it to be told of', () => stage.helpdesk.of('message.received')[0]);
    const reply = (text: string) =>
      twin.api.post<{ id: string }>(`/v1/conversations/${event.data!.conversation!.id}/messages`, { text });
    const first = await reply('from the one that is bound');
    expect(first.status).toBe(202);
    await stage.settled(first.body.id, 'sent');
    expect(smsc.connections).toBe(1);
    // A second process with the same settings does not have the first one take leave.
    expect(held()).toEqual([Command.bindTransceiver]);
    const before = binds();

    await stage.gateway.kill9();
    await expireLeases(await postgres.connect(url));
    await until('the other to be bound', () => binds() > before);
    const second = await reply('from the other one');
    await until('it to be sent', () => smsc.submitted.length === 2);
    expect(second.status).toBe(202);
    expect(smsc.submitted.map(({ text }) => text)).toEqual(['from the one that is bound', 'from the other one']);
    expect(smsc.connections).toBe(1);

    await twin.stop();
    expect(smsc.heard.at(-1)?.command).toBe(Command.unbind);
    await Promise.all([stage.provider.close(), stage.helpdesk.close()]);
    await smsc.close();
  });
});
