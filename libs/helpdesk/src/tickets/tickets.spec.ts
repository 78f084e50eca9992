import { describe, expect, it } from '@jest/globals';
import type { Part, StreamEvent } from '#normalizer';
import { messageEvent } from '../testing/index.js';
import { requesterOf } from './facts.js';
import { conversationOf, htmlText, marksIn, ticketSettings } from './index.js';
import { folded, stepsOf, type Reader } from './steps.js';
import { z } from 'zod';

const settings = z.object(ticketSettings).parse({});
const reader = (changes: Partial<Reader['settings']> = {}): Reader => ({
  destinationId: 'desk',
  settings: { ...settings, ...changes },
  sharedWith: [],
  capabilities: { asCustomer: true, html: true, maxAttachmentBytes: 0 },
});
const outbound = (type: StreamEvent['type'], via?: string): StreamEvent => {
  const event = messageEvent(1, 'answer');
  const message = { ...event.data!.message!, direction: 'outbound' as const, status: 'delivered' as const };
  const author = { kind: 'agent' as const, id: null, name: 'Lin', ...(via && { via }) };
  return { ...event, type, data: { ...event.data, message: { ...message, author } } };
};
const textsOf = (event: StreamEvent, changes: Partial<Reader['settings']> = {}) =>
  stepsOf(event, reader(changes)).flatMap((step) =>
    step.kind === 'entry' ? step.draft.blocks.map((block) => ('text' in block ? block.text : 'file')) : step.kind,
  );

describe('what an event is to a ticket', () => {
  it('tells of answers by others once, when they are known, and of how they ended where that is wanted', () => {
    expect(textsOf(outbound('message.queued'))).toEqual(['Answered by Lin over http:', 'answer']);
    expect(textsOf(outbound('message.sent', 'channel'))).toEqual(['Answered by Lin over http:', 'answer']);
    expect(textsOf(outbound('message.queued', 'destination:other'))).toHaveLength(2);
    for (const event of [
      outbound('message.queued', 'destination:desk'),
      outbound('message.sent'),
      outbound('message.delivered'),
    ])
      expect(textsOf(event)).toEqual([]);
    expect(textsOf(outbound('message.delivered'), { statusNotes: 'all' })).toEqual(['Delivered over http: “answer”']);
    expect(textsOf(outbound('message.delivered', 'destination:desk'), { statusNotes: 'all', language: 'zh' })).toEqual([
      '已送达（http）：“answer”',
    ]);
  });

  it('has a file of a mail, and its original only where that says what nothing else does', () => {
    const file = (fileId: string) =>
      ({ type: 'media', kind: 'file', mimeType: 'text/plain', bytes: 1, state: 'ready', fileId }) satisfies Part;
    const told = (parts: Part[], type: StreamEvent['type'] = 'message.received') => {
      const event = messageEvent(1, 'x');
      const attachment = type === 'attachment.ready' && { attachment: { fileId: 'fil_2' } };
      return textsOf({
        ...event,
        type,
        data: { ...event.data, message: { ...event.data!.message!, parts }, ...attachment },
      } as StreamEvent);
    };
    const files = [file('fil_1'), { ...file('fil_2'), purpose: 'original' as const }];
    const note: Part = { type: 'unsupported', providerType: 'mail: it could not be read' };
    expect(told([{ type: 'text', text: 'See there' }, ...files])).toEqual(['See there', 'file']);
    expect(told(files, 'attachment.ready')).toEqual([]);
    expect(told([note, files[1]!])).toContain('file');
    expect(told([note, files[1]!], 'attachment.ready')).toContain('file');
  });

  it('has what was quoted where a conversation begins with it: later on the ticket has that itself', () => {
    const told = (sequence: number, quoted: string, language: 'en' | 'zh' = 'en') => {
      const event = messageEvent(1, 'Is this from you?');
      const message = { ...event.data!.message!, sequence, quoted };
      return textsOf({ ...event, data: { ...event.data, message } } as StreamEvent, { language });
    };
    expect(told(1, '> Your invoice')).toEqual(['Is this from you?', 'What was quoted with it:', '> Your invoice']);
    expect(told(1, '> 发票', 'zh')).toContain('附带引用的内容：');
    expect(told(2, '> Your invoice')).toEqual(['Is this from you?']);
    expect(told(1, ' \n')).toEqual(['Is this from you?']);
    expect(told(1, '😀'.repeat(9_000)).at(-1)).toMatch(/^(?:😀){1999}.?…$/u);
  });

  it('folds what one customer wrote in a row, and nothing else', () => {
    const event = (n: number) => messageEvent(n, `line ${n}`);
    const steps = [
      event(1),
      event(2),
      { ...event(3), type: 'message.deleted' as const },
      event(4),
      event(5),
      event(6),
    ].flatMap((one) => stepsOf(one, reader()));
    const ids = folded(steps, 2).map((step) => (step.kind === 'entry' ? step.draft.ids.length : 0));
    expect(ids).toEqual([2, 1, 2, 1]);
  });
});

describe('the words of others', () => {
  it.each([
    ['<p>Hello<br>there</p><ul><li>one</li><li>two</li></ul>', 'Hello\nthere\n- one\n- two'],
    ['a &lt;b&gt; &amp; &#24352; &#x4e09; &nope; &#0;', 'a <b> & 张 三 &nope; \ufffd'],
    ['<style>p{}</style><script>alert(1)</script>seen<!-- not -->', 'seen'],
    [
      '<a href="https://a.example/x?b=1&amp;c=2">here</a> <a href="https://a.example">https://a.example</a>',
      'here (https://a.example/x?b=1&c=2) https://a.example',
    ],
    [
      '<a href="https://a.example">see <a href="https://b.example">there</a></a>',
      'see  (https://a.example)there (https://b.example)',
    ],
  ])('reads %s', (html, text) => expect(htmlText(html)).toBe(text));

  it.each(['<', '<a ', '<a href="https://x">', '<!--', '<script', '&', '<a href="https:'])(
    'gets to the end of very many %s',
    (piece) => {
      expect(htmlText(piece.repeat(60_000)).length).toBeLessThan(piece.length * 60_000 + 1);
    },
  );

  it('finds marks as whole words', () => {
    expect(
      marksIn(['<!-- evt_1 evt_3 --> evt_22', '[evt_4+1]'], ['evt_1', 'evt_2', 'evt_3', 'evt_4', 'evt_4+1']),
    ).toEqual(['evt_1', 'evt_3', 'evt_4+1']);
  });

  it('knows its own external ids', () => {
    expect(['cnv_a1', 'cnv_a1.4711', 'order-7', ''].map(conversationOf)).toEqual(['cnv_a1', 'cnv_a1', null, null]);
  });
});

describe('the customer', () => {
  const data = (
    handles: { scheme: string; value: string; proof: 'claimed' | 'channel' }[],
    name: string | null = null,
  ) => {
    const event = messageEvent(1, 'x');
    const contact = { ...event.data!.contact!, name, handles: handles.map((handle) => ({ scope: '', ...handle })) };
    return {
      ...event.data!,
      contact,
      message: { ...event.data!.message!, author: { kind: 'contact' as const, id: null, name: null } },
    };
  };

  it('has no address that was only typed in', () => {
    const found = requesterOf(
      data([
        { scheme: 'email', value: 'ceo@example.com', proof: 'claimed' },
        { scheme: 'phone', value: '+49', proof: 'channel' },
      ]),
    );
    expect(found).toEqual({ id: 'con_1', name: '+49', phone: '+49' });
  });

  it('has a name in any case', () => {
    const names = [
      data([], 'Li'),
      data([{ scheme: 'visitor', value: 'vis_0123456789', proof: 'channel' }]),
      data([]),
    ].map((one) => requesterOf(one).name);
    expect(names).toEqual(['Li', 'Visitor 456789', 'Customer']);
  });
});
