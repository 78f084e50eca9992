import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { HelpdeskConnector } from '#helpdesk';
import type { StreamEvent } from '#normalizer';
import { admits, Live } from './live.js';
import { Desk, postConnector } from './testing/desk.js';
import { FakeDirectory, until } from './testing/harness.js';

const typing = {
  ...{ id: 'evt_1', type: 'typing.started', timestamp: '2026-11-21T09:30:00.000Z', sequence: null },
  data: { account: { id: 'web', channel: 'webchat', name: null } },
} as StreamEvent;

describe('live events', () => {
  let desk: Desk;
  let directory: FakeDirectory;
  const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
  beforeAll(async () => void (desk = await Desk.start()));
  afterAll(() => desk.stop());
  beforeEach(() => {
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
  });

  const add = (id: string, more: object = {}, connector: object = postConnector): void => {
    directory.addDestination(id, connector as HelpdeskConnector<never>, { url: `${desk.url}/${id}` });
    directory.destinationsById.set(id, { ...directory.destination(id)!, ...more });
  };

  it('go to every destination at once that takes the stream and whose filter admits them', async () => {
    add('all');
    add('typing', { filter: { events: ['typing.*'], channels: ['webchat'] } });
    add('messages', { filter: { events: ['message.*'] } });
    add('paused', { state: 'paused' });
    add('tickets', {}, { ...postConnector, capabilities: { ...postConnector.capabilities, kind: 'tickets' } });
    await new Live(directory, log).deliver(typing);
    expect(desk.calls.map(({ path }) => path).sort()).toEqual(['/all', '/typing']);
    expect(desk.calls[0]).toMatchObject({ id: 'evt_1', event: { type: 'typing.started', sequence: null } });
  });

  it('are not repeated, and never throw', async () => {
    add('down');
    desk.answer = () => ({ status: 500 });
    await new Live(directory, log).deliver(typing);
    expect(desk.calls).toHaveLength(1);
    expect(log.info).toHaveBeenCalledTimes(1);
  });

  it('do not pile up before a destination that does not answer', async () => {
    add('slow');
    desk.answer = () => 'hang';
    const live = new Live(directory, log);
    const all = Array.from({ length: 40 }, () => live.deliver(typing));
    await until(() => desk.calls.length === 16, 'some of them');
    desk.release();
    await Promise.all(all);
    expect(desk.calls).toHaveLength(16);
  });

  it('pass the filter that SQL applies to stored events', () => {
    const threads = [{ id: 't', accountId: 'sms', channel: 'sms-twilio' }];
    const event = { type: 'message.read', data: { conversation: { threads } } } as unknown as StreamEvent;
    expect(admits({}, event)).toBe(true);
    expect(admits({ events: ['message.read'], accounts: ['sms'] }, event)).toBe(true);
    expect(admits({ events: ['message.rea'] }, event)).toBe(false);
    expect(admits({ accounts: ['web'] }, event)).toBe(false);
    expect(admits({ channels: ['sms-twilio'] }, event)).toBe(true);
    expect(admits({ accounts: ['sms'] }, { ...event, data: { ...event.data, account: typing.data!.account } })).toBe(
      false,
    );
  });
});
