import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LongMessages, type MessagePart } from './long-message.js';

const part = (number: number, changes: Partial<MessagePart> = {}): MessagePart => ({
  ...{ from: '+1', to: '+2', reference: 7, total: 3, number, text: 'abc'[number - 1] ?? '?' },
  ...changes,
});
const texts = (given: readonly { text: string; missing: readonly number[] }[]) =>
  given.map(({ text, missing }) => [text, ...missing]);

describe('long messages', () => {
  it('are whole in whatever order their parts come, each as often as it likes', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 1, 2, 3], { minLength: 6 }), (order) => {
        const messages = new LongMessages<MessagePart>({ now: () => 0 });
        const first = order.findIndex((_, i) => new Set(order.slice(0, i + 1)).size === 3);
        const given = order.slice(0, first + 1).flatMap((number) => messages.add(part(number)));
        expect(texts(given)).toEqual([['abc']]);
      }),
    );
  });

  it('do not mix: another sender, receiver, reference or length is another message', () => {
    const messages = new LongMessages<MessagePart>({ now: () => 0 });
    const others = [{}, { from: '+3' }, { to: '+3' }, { reference: 8 }, { total: 4 }];
    for (const changes of others) expect([1, 2].flatMap((number) => messages.add(part(number, changes)))).toEqual([]);
    expect(texts(messages.add(part(3)))).toEqual([['abc']]);
    expect(messages.held()).toHaveLength(8);
  });

  it('are given out with their gaps once they have waited long enough', () => {
    let now = 0;
    const messages = new LongMessages<MessagePart>({ now: () => now, waitMs: 1_000 });
    messages.add(part(3));
    now = 999;
    expect(messages.overdue()).toEqual([]);
    now = 1_000;
    expect(texts(messages.add(part(1)))).toEqual([['[…]c', 1, 2]]);
    expect(messages.held()).toEqual([part(1)]);
    now = 2_000;
    expect(texts(messages.overdue())).toEqual([['a[…]', 2, 3]]);
    expect(messages.held()).toEqual([]);
  });

  it('take back a reference that is used again', () => {
    const messages = new LongMessages<MessagePart>({ now: () => 0 });
    const once = () => texts([1, 2, 3].flatMap((number) => messages.add(part(number))));
    expect([once(), once()]).toEqual([[['abc']], [['abc']]]);
  });

  it('hold no more than they may: the oldest goes', () => {
    const messages = new LongMessages<MessagePart>({ now: () => 0, most: 2 });
    const given = [1, 2, 3].map((reference) => texts(messages.add(part(2, { reference }))));
    expect(given).toEqual([[], [], [['[…]b[…]', 1, 3]]]);
  });

  it.each([part(1, { total: 1 }), part(0), part(4), part(1, { total: 0 })])(
    'a part that is none of several passes: %j',
    (odd) => {
      expect(texts(new LongMessages<MessagePart>({ now: () => 0 }).add(odd))).toEqual([[odd.text]]);
    },
  );
});
