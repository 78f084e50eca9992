import { describe, expect, it } from '@jest/globals';
import { Ledger } from './ledger.js';
import { idOf } from './messages.js';

/** The account of a sink is what all claims of order rest on. */
describe('Ledger', () => {
  const run = 'run1';
  let events = 0;

  function told(ledger: Ledger, [sender, ordinal, sequence]: [number, number, number], id = `evt_${++events}`): void {
    const text = `Message ${idOf({ run, sender, ordinal })}: hello`;
    const event = {
      type: 'message.received',
      sequence,
      data: { conversation: { id: `cnv_${sender}` }, message: { text } },
    };
    ledger.take(id, event, { genuine: true, writing: ledger.writing(event) });
  }
  const open = (): Ledger => new Ledger({ run, senders: 2, ordered: true, timed: 4 });

  it('counts messages, and keeps the time of each', () => {
    const ledger = open();
    told(ledger, [0, 0, 1]);
    told(ledger, [1, 0, 1]);
    told(ledger, [0, 1, 2]);
    expect(ledger.account()).toMatchObject({ messages: 3, deliveries: 3, doubled: 0, disordered: 0, forged: 0 });
    expect([...ledger.arrivals].map(Number.isFinite)).toEqual([true, true, true, false]);
  });

  it('sees the same event twice, and the same message in two events', () => {
    const ledger = open();
    told(ledger, [0, 0, 1], 'evt_same');
    told(ledger, [0, 0, 1], 'evt_same');
    told(ledger, [0, 0, 2]);
    expect(ledger.account()).toMatchObject({ messages: 1, doubled: 2 });
  });

  it('sees a gap and a step back in the stream of a conversation', () => {
    const ledger = open();
    told(ledger, [0, 0, 1]);
    told(ledger, [0, 1, 3]);
    told(ledger, [0, 2, 2]);
    expect(ledger.account().disordered).toBe(2);
  });

  it('sees that what a customer wrote later came first', () => {
    const ledger = open();
    told(ledger, [0, 1, 1]);
    told(ledger, [0, 0, 2]);
    expect(ledger.account().disordered).toBe(1);
  });

  it('leaves other runs alone, and counts wrong signatures', () => {
    const ledger = open();
    const event = { type: 'message.received', sequence: 9, data: { message: { text: 'Message other-0-0: hello' } } };
    ledger.take('evt_other', event, { genuine: true, writing: ledger.writing(event) });
    const forged = { type: 'contact.created', sequence: null, data: {} };
    ledger.take('evt_forged', forged, { genuine: false, writing: undefined });
    expect(ledger.account()).toMatchObject({ messages: 0, forged: 1 });
  });
});
