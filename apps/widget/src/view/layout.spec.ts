import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { message } from '../../testing/fake-platform.js';
import { stringsFor } from '../strings.js';
import { settingsOf } from '../settings.js';
import { contrast, legible, parseColour, readableOn, type Rgb } from '../colour.js';
import { typeAllowed } from '../engine/upload.js';
import { daysAgo, initials, size } from './format.js';
import { chosenOption, itemsOf, rowsOf } from './layout.js';

const at = (minute: number) => new Date(2026, 10, 21, 9, minute).toISOString();

describe('the rows of the log', () => {
  it('group one author within minutes, and begin anew after a pause, another author or the divider', () => {
    const messages = [
      message(1, { at: at(0) }),
      message(2, { at: at(1) }),
      message(3, { at: at(20) }),
      message(4, { at: at(20), from: 'agent', name: 'Mia' }),
      message(5, { at: at(21), from: 'agent', name: 'Mia' }),
    ];
    const shape = (divider: number | null) =>
      rowsOf(itemsOf({ messages, outgoing: [] }), divider).map((row) =>
        row.kind === 'item' ? `${row.item.seq}${row.first ? ' first' : ''}${row.last ? ' last' : ''}` : row.kind,
      );
    expect(shape(null)).toEqual(['day', '1 first', '2 last', '3 first last', '4 first', '5 last']);
    expect(shape(4)).toEqual(['day', '1 first', '2 last', '3 first last', '4 first', 'unread', '5 first last']);
  });

  it('keep the key of a message that becomes stored, so that its element stays', () => {
    const waiting = { clientId: 'c1', parts: [], files: [], at: 0, state: 'sending', progress: 1 } as const;
    const before = itemsOf({ messages: [], outgoing: [{ ...waiting, parts: [], files: [] }] });
    const after = itemsOf({ messages: [message(1, { clientId: 'c1' })], outgoing: [] });
    expect(before[0]?.key).toBe(after[0]?.key);
  });

  it('know the answer to choices, also when its message is not named', () => {
    const options = [{ id: 'a', label: 'A' }];
    const ask = message(1, { from: 'agent', parts: [{ type: 'choices', text: '?', options }] });
    const answer = (messageId?: string) =>
      message(2, { parts: [{ type: 'choice', optionId: 'a', label: 'A', messageId }] });
    const chosen = (messages: ReturnType<typeof message>[]) => {
      const items = itemsOf({ messages, outgoing: [] });
      return chosenOption(items, items[0]!, ['a']);
    };
    expect(chosen([ask])).toBeNull();
    expect(chosen([ask, answer('msg_1')])).toBe('a');
    expect(chosen([ask, answer()])).toBe('a');
    expect(chosen([ask, answer('msg_other')])).toBeNull();
  });
});

describe('colours', () => {
  it('are readable whatever the accent', () => {
    const level = fc.integer({ min: 0, max: 255 });
    const colour: fc.Arbitrary<Rgb> = fc.tuple(level, level, level);
    fc.assert(
      fc.property(colour, (accent) => {
        expect(contrast(accent, readableOn(accent))).toBeGreaterThanOrEqual(4.5);
        for (const ground of [
          [255, 255, 255],
          [35, 38, 46],
        ] as const) {
          expect(contrast(legible(accent, ground), ground)).toBeGreaterThanOrEqual(4.5);
        }
      }),
    );
  });

  it('are read from the usual spellings', () => {
    expect([parseColour('#0af'), parseColour('#00aaFF'), parseColour('rgb(0, 170, 255)')]).toEqual(
      Array.from({ length: 3 }, () => [0, 170, 255]),
    );
    expect(parseColour('url(x)')).toBeNull();
  });
});

describe('settings and words', () => {
  it('come from the script tag, with the page before the browser', () => {
    const script = { src: 'https://chat.example/sub/widget.js?v=2', dataset: { position: 'up', theme: 'dark' } };
    expect(settingsOf(script, ['de', 'zh-Hans-CN', 'en'])).toEqual({
      base: 'https://chat.example/sub',
      account: 'web',
      accent: '#2f5bea',
      position: 'right',
      theme: 'dark',
      locale: 'zh-Hans-CN',
      title: null,
      greeting: null,
    });
  });

  it('hold the fixed names in every language', () => {
    for (const t of [stringsFor('en-GB'), stringsFor('zh-TW')]) {
      for (const name of [t.open, t.openUnread(2), t.closeLauncher]) expect(name).toMatch(/chat/);
      expect(t.box).toMatch(/message/);
    }
    expect(stringsFor('zhx').lang).toBe('en');
  });

  it('write sizes, initials and days', () => {
    expect([0, 1023, 1536, 10_485_760].map(size)).toEqual(['0 B', '1023 B', '1.5 KB', '10 MB']);
    expect(['Mia Wong', '王小明', 'ada', '  '].map(initials)).toEqual(['MW', '小明', 'A', '']);
    const midnight = new Date(2026, 10, 21).getTime();
    expect([daysAgo(midnight - 1, midnight), daysAgo(midnight, midnight + 86_399_000)]).toEqual([1, 0]);
  });

  it('know which types are allowed', () => {
    expect(typeAllowed('image/png', ['image/*'])).toBe(true);
    expect(typeAllowed('imagex/png', ['image/*'])).toBe(false);
    expect(typeAllowed('text/html', ['text/plain'])).toBe(false);
    expect(typeAllowed('anything/else', [])).toBe(true);
  });
});
