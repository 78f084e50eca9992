import { describe, expect, it } from '@jest/globals';
import { measure, Part, ProviderFailure, TextUnit, type PartInput } from '#normalizer';
import fc from 'fast-check';
import { Capabilities, type CapabilitiesInput } from './capabilities.js';
import { fit, type FitMessage, type FitOptions } from './fit.js';

const FULL: CapabilitiesInput = {
  text: { max: 100, unit: 'utf16', maxUnits: 5 },
  choices: { level: 'full', maxOptions: 3, maxLabel: 10 },
  html: 'full',
  location: 'full',
  contactCard: 'full',
  link: 'full',
  card: 'full',
  template: 'full',
  replyTo: 'full',
  media: {
    image: { mimeTypes: ['image/png', 'image/jpeg'], maxBytes: 1_000, caption: true },
    audio: { mimeTypes: ['audio/*'], maxBytes: 1_000 },
    file: { mimeTypes: ['*/*'], maxBytes: 5_000 },
  },
  receipts: [],
  typing: false,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: null,
  initiate: [],
  rate: null,
  idempotentSend: false,
};
const LEVELLED = ['html', 'location', 'contactCard', 'link', 'card', 'template'] as const;
const all = (level: 'full' | 'fallback' | 'dropped' | 'refused'): Partial<CapabilitiesInput> => ({
  ...Object.fromEntries(LEVELLED.map((name) => [name, level])),
  choices: { level },
  media: {},
});

interface Case extends Omit<FitMessage, 'parts'> {
  readonly parts: readonly PartInput[];
  readonly on?: Partial<CapabilitiesInput>;
  readonly options?: FitOptions;
}
const run = ({ parts, on = {}, options, ...rest }: Case): ReturnType<typeof fit> =>
  fit({ ...rest, parts: parts.map((part) => Part.parse(part)) }, Capabilities.parse({ ...FULL, ...on }), options);
const texts = (given: Case): string[] => run(given).map((unit) => unit.text);
const kinds = (given: Case): string[] => run(given).map(({ parts }) => parts.map((p) => (p.type === 'media' ? p.kind : p.type)).join('+')); // prettier-ignore
const refusal = (given: Case): string => {
  try {
    run(given);
  } catch (error) {
    if (error instanceof ProviderFailure && error.code === 'content-refused') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

const text = (value: string): PartInput => ({ type: 'text', text: value });
const choices = (...labels: string[]): PartInput => ({
  type: 'choices',
  text: 'Which?',
  options: labels.map((label, i) => ({ id: `o${i}`, label })),
});
const image = (over: object = {}): PartInput => ({
  type: 'media',
  kind: 'image',
  mimeType: 'image/png',
  bytes: 500,
  name: 'p.png',
  fileId: 'fil_1',
  url: 'https://x/p',
  ...over,
});
const SAMPLES: readonly PartInput[] = [
  { type: 'html', html: '<b>Hi</b>', text: 'Hi' },
  { type: 'location', latitude: 1, longitude: 2 },
  { type: 'contact-card', name: 'Li', handles: [] },
  { type: 'link', url: 'https://x' },
  { type: 'card', title: 'T' },
  { type: 'template', name: 'hello' },
  choices('A', 'B'),
];

describe('levels', () => {
  it.each(SAMPLES.map((part) => [part.type, part] as const))('%s obeys each of them', (type, part) => {
    expect(kinds({ parts: [part] })).toEqual([type]);
    expect(kinds({ parts: [part], on: all('fallback') })).toEqual(['text']);
    expect(kinds({ parts: [part, text('rest')], on: all('dropped') })).toEqual(['text']);
    expect(texts({ parts: [part, text('rest')], on: all('dropped') })).toEqual(['rest']);
    expect(refusal({ parts: [text('a'), part], on: all('refused') })).toContain(`parts.1 (${type})`);
  });

  it('falls back to plain renderings', () => {
    expect(SAMPLES.flatMap((part) => texts({ parts: [part], on: all('fallback') }))).toEqual([
      'Hi', '[location: 1, 2]', '[contact: Li]', 'https://x', 'T', '[template hello]', 'Which?\n1. A\n2. B',
    ]); // prettier-ignore
    expect(texts({ parts: [SAMPLES[1] as PartInput], on: all('fallback'), options: { locale: 'zh' } })).toEqual([
      '[位置: 1, 2]',
    ]);
  });

  it('falls back where a text of a native part is over the limit', () => {
    const long = 'word '.repeat(30).trim();
    expect(kinds({ parts: [{ type: 'html', html: `<p>${'x'.repeat(100)}</p>`, text: 'short' }] })).toEqual(['text']);
    expect(kinds({ parts: [{ type: 'card', title: 'T', text: long }] })).toEqual(['text', 'text']);
  });

  it('sends an answer to choices as its label, and refuses what cannot be sent or said', () => {
    expect(texts({ parts: [{ type: 'choice', optionId: 'a', label: 'A' }] })).toEqual(['A']);
    expect(refusal({ parts: [{ type: 'unsupported', providerType: 'shake' }] })).toContain('"shake"');
    expect(refusal({ parts: [{ type: 'html', html: '<hr>', text: ' ' }], on: all('fallback') })).toContain(
      'parts.0 (html)',
    );
    expect(refusal({ parts: [SAMPLES[1] as PartInput], on: all('dropped') })).toContain('nothing');
    expect(refusal({ parts: [text(' \n ')] })).toContain('nothing');
  });

  it('sends the media of a card before its rendering', () => {
    const card: PartInput = {
      type: 'card',
      title: 'T',
      media: image() as never,
      actions: [{ label: 'Buy', url: 'https://b' }],
    };
    const on = { card: 'fallback' } as const;
    expect(kinds({ parts: [card], on })).toEqual(['image', 'text']);
    expect(texts({ parts: [card], on })[1]).toBe('T\n- Buy: https://b');
  });
});

describe('choices', () => {
  it.each([
    ['too many options', choices('A', 'B', 'C', 'D')],
    ['too long a label', choices('A', 'x'.repeat(11))],
  ])('become a numbered list with %s', (_what, part) => {
    const [unit] = run({ parts: [part] });
    expect(unit?.text).toMatch(/^Which\?\n1\. A\n2\. /);
    expect(unit?.choiceMap?.map(({ id }) => id).slice(0, 2)).toEqual(['o0', 'o1']);
  });

  it('measure labels in the unit of the channel', () => {
    const on = { text: { max: 100, unit: 'utf8-bytes' as const, maxUnits: 5 } };
    expect(kinds({ parts: [choices('中文字')], on })).toEqual(['choices']);
    expect(kinds({ parts: [choices('中文字符')], on })).toEqual(['text']);
  });

  it('carry no map where they are native', () =>
    expect(run({ parts: [choices('A')] })[0]).not.toHaveProperty('choiceMap'));

  it('carry the map on the last unit of a long list, and never two in one unit', () => {
    const on = { choices: { level: 'fallback' as const } };
    const long = choices('a'.repeat(60), 'b'.repeat(60));
    expect(run({ parts: [long], on }).map((unit) => unit.choiceMap?.length)).toEqual([undefined, 2]);
    expect(run({ parts: [text('Hi'), choices('A')], on })).toMatchObject([
      { text: 'Hi\nWhich?\n1. A', choiceMap: [{ id: 'o0' }] },
    ]);
    expect(run({ parts: [choices('A'), choices('B')], on })).toHaveLength(2);
    expect(run({ parts: [choices('A'), choices('B')], on: { ...on, maxParts: 9 } })).toHaveLength(2);
  });
});

describe('media', () => {
  it.each([
    ['as it is', {}, 'image'],
    ['with its MIME type in another spelling', { mimeType: 'IMAGE/PNG; q=1' }, 'image'],
    ['while its size is not known', { bytes: null }, 'image'],
    ['at the largest size', { bytes: 1_000 }, 'image'],
    ['as a file where it is larger', { bytes: 1_001 }, 'file'],
    ['as a file where its type is not taken', { mimeType: 'image/tiff' }, 'file'],
    ['by a wildcard', { kind: 'audio', mimeType: 'audio/amr' }, 'audio'],
    ['as the next best kind', { kind: 'voice', mimeType: 'audio/amr' }, 'audio'],
    ['a sticker as an image', { kind: 'sticker' }, 'image'],
    ['as text where no kind takes it', { bytes: 5_001 }, 'text'],
  ])('travels %s', (_what, over, kind) => expect(kinds({ parts: [image(over)] })).toEqual([kind]));

  it('falls back to a link: a signed one for a file of ours, else its own', () => {
    const options = { fileUrl: (id: string): string => `https://us/${id}` };
    expect(texts({ parts: [image()], on: { media: {} }, options })).toEqual(['[image: p.png] https://us/fil_1']);
    expect(texts({ parts: [image({ fileId: undefined })], on: { media: {} }, options })).toEqual([
      '[image: p.png] https://x/p',
    ]);
    expect(refusal({ parts: [image({ url: undefined })], on: { media: {} } })).toContain('image/png');
    expect(refusal({ parts: [image({ state: 'unavailable' })] })).toContain('no longer available');
  });

  it('keeps a caption where captions travel and it fits, else sends it after', () => {
    expect(run({ parts: [image({ caption: 'Look' })] })).toMatchObject([{ parts: [{ caption: 'Look' }] }]);
    const file = run({ parts: [image({ kind: 'file', caption: 'Look' })] });
    expect(file.map((unit) => unit.text)).toEqual(['[file: p.png]', 'Look']);
    expect(file[0]?.parts[0]).not.toHaveProperty('caption');
    expect(kinds({ parts: [image({ caption: 'x'.repeat(101) })] })).toEqual(['image', 'text', 'text']);
    const on = { media: { image: { mimeTypes: ['image/png'], maxBytes: 1_000, caption: true, maxCaption: 10 } } };
    expect(kinds({ parts: [image({ caption: 'x'.repeat(11) })], on })).toEqual(['image', 'text']);
    expect(kinds({ parts: [image({ caption: 'x'.repeat(10) })], on })).toEqual(['image']);
  });

  it('describes a native file within the limit, however long its name', () => {
    expect(texts({ parts: [image({ name: 'n'.repeat(400) })] })[0]).toBe('[image:');
  });
});

describe('text', () => {
  it('is one unit at the limit and two beyond it, in the unit of the channel', () => {
    expect(texts({ parts: [text('x'.repeat(100))] })).toHaveLength(1);
    expect(texts({ parts: [text('x'.repeat(101))] })).toHaveLength(2);
    const on = { text: { max: 99, unit: 'utf8-bytes' as const, maxUnits: 5 } };
    expect(texts({ parts: [text('中'.repeat(33))], on })).toHaveLength(1);
    expect(texts({ parts: [text('中'.repeat(34))], on })).toHaveLength(2);
  });

  it('joins its neighbour only within the limit, and only next to it', () => {
    expect(texts({ parts: [text('a'), text('b')] })).toEqual(['a\nb']);
    expect(texts({ parts: [text('x'.repeat(49)), text('y'.repeat(50))] })).toHaveLength(1);
    expect(texts({ parts: [text('x'.repeat(50)), text('y'.repeat(50))] })).toHaveLength(2);
    expect(kinds({ parts: [text('a'), image(), text('b')] })).toEqual(['text', 'image', 'text']);
  });

  it('is refused beyond the most units, and says how many it needs', () => {
    expect(texts({ parts: [text('x'.repeat(500))] })).toHaveLength(5);
    expect(refusal({ parts: [text('x'.repeat(501))] })).toMatch(/needs 6 .* at most 5/);
  });
});

describe('units', () => {
  it('are numbered, carry the subject, and quote only once', () => {
    const given: Case = { parts: [text('a'), image()], subject: 'S', replyTo: 'SM1' };
    expect(run(given)).toMatchObject([
      { index: 0, count: 2, subject: 'S', replyTo: 'SM1' },
      { index: 1, count: 2, subject: 'S' },
    ]);
    expect(run(given)[1]).not.toHaveProperty('replyTo');
    expect(run({ ...given, on: { replyTo: 'dropped' } })[0]).not.toHaveProperty('replyTo');
    expect(run({ ...given, on: { replyTo: 'always' } }).map(({ replyTo }) => replyTo)).toEqual(['SM1', 'SM1']);
  });

  it('hold several parts, as they are, where the channel takes that', () => {
    const parts = [text('a'), text('b'), image(), image(), text('c')];
    expect(kinds({ parts, on: { maxParts: 3 } })).toEqual(['text+text+image', 'image+text']);
    expect(run({ parts, on: { maxParts: 9 } })).toMatchObject([
      { count: 1, text: 'a\nb\n[image: p.png]\n[image: p.png]\nc' },
    ]);
    expect(kinds({ parts: [text('x'.repeat(60)), text('y'.repeat(60))], on: { maxParts: 9 } })).toEqual([
      'text',
      'text',
    ]);
  });

  it('keep to every limit, whatever the message and the channel', () => {
    const part = fc.oneof(
      fc.constantFrom(
        ...SAMPLES,
        image(),
        image({ caption: 'c'.repeat(120) }),
        choices('中'.repeat(20), 'B', 'C', 'D'),
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }).map(text),
    );
    const channel = fc.record({
      max: fc.integer({ min: 20, max: 160 }),
      unit: fc.constantFrom(...TextUnit.options),
      maxParts: fc.constantFrom(1, 3),
      level: fc.constantFrom('full', 'fallback', 'dropped'),
    });
    const check = (
      parts: PartInput[],
      { max, unit, maxParts, level }: typeof channel extends fc.Arbitrary<infer C> ? C : never,
    ): void => {
      const on = { ...all(level as 'full'), media: FULL.media, text: { max, unit, maxUnits: 10_000 }, maxParts };
      const units = run({ parts: [text('start'), ...parts], on });
      for (const [i, fitted] of units.entries()) {
        expect(fitted).toMatchObject({ index: i, count: units.length });
        expect(fitted.parts.length).toBeLessThanOrEqual(maxParts);
        expect(measure(fitted.text, unit)).toBeLessThanOrEqual(max);
        for (const p of fitted.parts) if (p.type === 'text') expect(measure(p.text, unit)).toBeLessThanOrEqual(max);
      }
    };
    fc.assert(fc.property(fc.array(part, { maxLength: 8 }), channel, check), { numRuns: 500 });
  });
});

describe('parts of a full level', () => {
  it('fall back where this very one cannot travel as it is', () => {
    const link: PartInput = { type: 'link', url: 'https://a' };
    const native = (part: Part) => part.type !== 'link' || part.url !== 'https://a';
    const options = { native };
    expect(kinds({ parts: [link], options })).toEqual(['text']);
    expect(kinds({ parts: [{ ...link, url: 'https://b' }], options })).toEqual(['link']);
  });
});

describe('markdown', () => {
  const markdown: PartInput = { type: 'text', text: '**Hi** [a](https://a)', format: 'markdown' };

  it('is what it says, where the channel renders none', () => {
    expect(run({ parts: [markdown] })[0]).toMatchObject({ parts: [{ type: 'text', text: 'Hi a (https://a)' }] });
    expect(run({ parts: [markdown] })[0]?.parts[0]).not.toHaveProperty('format');
    expect(texts({ parts: [markdown, text('b')] })).toEqual(['Hi a (https://a)\nb']);
  });

  it('travels as it is where the channel renders it, beside text that is none', () => {
    const units = run({ parts: [markdown, text('**b**')], on: { markdown: 'full' } });
    expect(units.map(({ parts }) => parts)).toEqual([[markdown], [text('**b**')]]);
    expect(units.map((unit) => unit.text)).toEqual(['Hi a (https://a)', '**b**']);
    const long: PartInput = { type: 'text', text: `**${'a '.repeat(60)}**b`, format: 'markdown' };
    expect(run({ parts: [long], on: { markdown: 'full' } }).flatMap(({ parts }) => parts)).not.toContainEqual(
      expect.objectContaining({ format: 'markdown' }),
    );
  });
});

describe('SMS', () => {
  const sms = { text: { max: 306, unit: 'gsm7', segments: { alphabet: 'gsm7', added: 3 } } } as const;
  const bills = (given: Case): unknown[] => run(given).map(({ segments }) => segments);

  it('says what the carrier bills, the characters that the provider adds included', () => {
    expect(bills({ parts: [text('a'.repeat(157))], on: sms })).toEqual([{ encoding: 'gsm7', units: 160, segments: 1 }]);
    expect(bills({ parts: [text('a'.repeat(158))], on: sms })).toEqual([{ encoding: 'gsm7', units: 161, segments: 2 }]);
    expect(bills({ parts: [text('中'.repeat(67))], on: sms })).toEqual([{ encoding: 'ucs2', units: 70, segments: 1 }]);
  });

  it('says nothing of what is no text, nor on other channels', () => {
    expect(bills({ parts: [image()], on: sms })).toEqual([undefined]);
    expect(bills({ parts: [text('a')] })).toEqual([undefined]);
  });

  it('counts a template by its wording', () => {
    const on = { ...sms, templates: { code: '【Shop】${code} is your code' } };
    const part: PartInput = { type: 'template', name: 'code', values: { code: '4711' } };
    expect(run({ parts: [part], on })).toMatchObject([
      { text: '【Shop】4711 is your code', segments: { encoding: 'ucs2', segments: 1 } },
    ]);
  });
});

describe('templates whose wording is known', () => {
  const on = { templates: { code: '${code} for {shop}', plain: 'Hello' } };
  const template = (name: string, values: Record<string, string>): PartInput => ({ type: 'template', name, values });

  it.each([
    ['code', { code: '1', shop: 'x' }],
    ['plain', {}],
    ['unknown', { anything: 'goes' }],
    ['constructor', {}],
  ])('are taken with exactly their values: %s', (name, values) => {
    expect(kinds({ parts: [template(name, values)], on })).toEqual(['template']);
  });

  it.each([
    ['code', { code: '1' }, /parts\.0 \(template\): the template code needs values for: shop/],
    ['code', { code: '1', shop: 'x', more: '' }, /has no variables: more/],
    ['plain', { name: 'Li' }, /has no variables: name/],
  ])('are refused with others: %s %j', (name, values, why) => {
    expect(refusal({ parts: [template(name, values)], on })).toMatch(why);
  });
});
