import { describe, expect, it } from '@jest/globals';
import { Part, type PartInput } from './parts.js';
import { renderMedia, renderText } from './render-text.js';

const image = { type: 'media', kind: 'image', name: 'photo.png', mimeType: 'image/png' } as const;

const CASES: [string, PartInput, string][] = [
  ['text', { type: 'text', text: ' as it is\n' }, ' as it is\n'],
  ['html', { type: 'html', html: '<p>Hi</p>', text: 'Hi' }, 'Hi'],
  ['media', image, '[image: photo.png]'],
  ['media without a name', { type: 'media', kind: 'voice' }, '[voice message]'],
  [
    'media with a URL and a caption',
    { ...image, url: 'https://x/p', caption: 'Look' },
    '[image: photo.png] https://x/p\nLook',
  ],
  ['media that we hold: its URL expires', { ...image, url: 'https://us/p?sig', fileId: 'fil_1' }, '[image: photo.png]'],
  ['media not fetched yet', { ...image, url: 'https://x/p', state: 'pending' }, '[image: photo.png]'],
  ['location', { type: 'location', latitude: 31.2304, longitude: 121.4737 }, '[location: 31.2304, 121.4737]'],
  [
    'location with a name',
    { type: 'location', latitude: 31.2304, longitude: 121.4737, name: '外滩', address: '上海' },
    '[location: 外滩, 上海 (31.2304, 121.4737)]',
  ],
  [
    'contact-card',
    { type: 'contact-card', name: 'Li Na', handles: [{ scheme: 'phone', value: '+8613800138000' }] },
    '[contact: Li Na, phone +8613800138000]',
  ],
  ['link', { type: 'link', url: 'https://x', title: 'T', description: 'D' }, 'T\nD\nhttps://x'],
  ['choices', { type: 'choices', text: 'Which?', options: [{ id: 'a', label: 'A' }] }, 'Which?\n1. A'],
  ['choice', { type: 'choice', optionId: 'a', label: 'A' }, 'A'],
  ['choice without a label', { type: 'choice', optionId: 'a', label: '' }, 'a'],
  [
    'card',
    {
      type: 'card',
      title: 'T',
      text: 'X',
      media: image,
      actions: [{ label: 'Buy', url: 'https://b' }, { label: 'No' }],
    },
    'T\nX\n[image: photo.png]\n- Buy: https://b\n- No',
  ],
  [
    'template',
    { type: 'template', name: 'shipped', values: { code: '42', name: 'Li' } },
    '[template shipped: code=42, name=Li]',
  ],
  ['template without values', { type: 'template', name: 'hello' }, '[template hello]'],
  ['unsupported', { type: 'unsupported', providerType: 'shake' }, '[unsupported: shake]'],
];

describe('renderText', () => {
  it.each(CASES)('%s', (_what, part, text) => expect(renderText([Part.parse(part)])).toBe(text));

  it('has a case for every part type', () => {
    const types = Part.options.map((option) => option.shape.type.value);
    expect([...new Set(CASES.map(([, part]) => part.type))].sort()).toEqual([...types].sort());
  });

  it('puts parts on lines of their own and leaves empty ones out', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'html', html: '<hr>', text: '' },
      { type: 'text', text: 'b' },
    ] as const;
    expect(renderText(parts)).toBe('a\nb');
  });

  it('speaks Chinese', () => {
    expect(renderText([Part.parse(image)], 'zh-CN')).toBe('[图片: photo.png]');
    expect(renderText([Part.parse(image)], 'zhx')).toBe('[image: photo.png]');
  });
});

describe('renderMedia', () => {
  it('shows the URL it is given', () => {
    const part = Part.parse({ ...image, fileId: 'fil_1', caption: 'Look' });
    if (part.type !== 'media') throw new Error('not media');
    expect(renderMedia(part, 'https://us/p?sig')).toBe('[image: photo.png] https://us/p?sig\nLook');
  });
});
