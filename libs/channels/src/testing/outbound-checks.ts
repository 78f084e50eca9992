import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { ProviderFailure, measure, type OutboundUnit } from '#normalizer';
import type { Check, LoggedRequest } from '#transport/testing';
import { capabilitiesIn, sendOf, sends, textUnit, textsIn, unitsOf, withBench } from './bench.js';
import type { ChannelSubject, ExpectedRequest } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;

const golden: ChannelCheck = {
  name: 'makes the expected provider requests of every outbound case',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    ok(subject.outbound.length > 0, 'there is no outbound case');
    for (const { name, message, requests, externalIds } of subject.outbound) {
      await withBench(subject, {}, async ({ providers, context }) => {
        const receipts: (readonly string[])[] = [];
        for (const unit of unitsOf(subject, message))
          receipts.push((await sendOf(subject)(unit, context(0))).externalIds);
        const sent = sends(subject, providers[0]);
        equal(sent.length, requests.length, `${name}: the number of requests`);
        requests.forEach((expected, i) => compare(sent[i] as LoggedRequest, expected, `${name}, request ${i + 1}`));
        if (externalIds) deepStrictEqual(receipts, externalIds, `${name}: the external ids`);
      });
    }
  },
};

function compare(sent: LoggedRequest, expected: ExpectedRequest, what: string): void {
  const text = sent.body.toString('utf8');
  if (expected.method) equal(sent.method, expected.method, `${what}: the method`);
  if (expected.path) equal(sent.path, expected.path, `${what}: the path`);
  for (const [name, value] of Object.entries(expected.query ?? {}))
    equal(sent.query.get(name), value, `${what}: ?${name}`);
  for (const [name, value] of Object.entries(expected.headers ?? {}))
    equal(sent.headers[name], value, `${what}: ${name}`);
  if (expected.json !== undefined) deepStrictEqual(JSON.parse(text), expected.json, what);
  if (expected.form) deepStrictEqual(Object.fromEntries(new URLSearchParams(text)), { ...expected.form }, what);
  if (expected.body !== undefined) equal(text, expected.body, what);
}

const texts: ChannelCheck = {
  name: 'carries texts at the limit and beyond it, astral and Chinese, whole',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const { max, unit } = capabilitiesIn(subject).text;
    const times = (text: string) => text.repeat(Math.floor(max / measure(text, unit)));
    const samples = [
      times('a'),
      `${times('a')}b`,
      times('😀'),
      `${times('😀')}😀`,
      times('中'),
      `${times('中')}文`,
      '👨‍👩‍👧 你好',
    ];
    for (const text of samples) {
      const units = fitted(subject, text);
      for (const one of units) {
        ok(measure(one.text, unit) <= max, 'a unit is longer than the limit');
        await withBench(subject, {}, async ({ providers, context }) => {
          await sendOf(subject)(one, context(0));
          const arrived = sends(subject, providers[0]).some((request) =>
            textsIn(request).some((t) => t.includes(one.text)),
          );
          ok(arrived, `a text of ${one.text.length} characters does not arrive whole`);
        });
      }
    }
  },
};

const markdown: ChannelCheck = {
  name: 'carries what markdown says, and none of its marks',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    for (const one of fitted(subject, '**bold** words', 'markdown')) {
      await withBench(subject, {}, async ({ providers, context }) => {
        await sendOf(subject)(one, context(0));
        const arrived = sends(subject, providers[0]).flatMap((request) => textsIn(request));
        ok(
          arrived.some((text) => /bold(?:<\/strong>)? words/.test(text)),
          'the words do not arrive',
        );
        ok(!arrived.some((text) => text.includes('**')), 'the marks arrive'); // prettier-ignore
      });
    }
  },
};

/** The units of a text; none where the channel refuses it for its length. */
function fitted(subject: ChannelSubject, text: string, format?: 'markdown'): OutboundUnit[] {
  try {
    return unitsOf(subject, { parts: [{ type: 'text', text, ...(format && { format }) }] });
  } catch (error) {
    if (error instanceof ProviderFailure && error.code === 'content-refused') return [];
    throw error;
  }
}

const whole: ChannelCheck = {
  name: 'sends one unit as one provider message, however long',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const { max, unit } = capabilitiesIn(subject).text;
    const count = (text: string) =>
      withBench(subject, {}, async ({ providers, context }) => {
        await sendOf(subject)(textUnit(subject, text), context(0));
        return sends(subject, providers[0]).length;
      });
    equal(
      await count('a'.repeat(Math.floor(max / measure('a', unit)))),
      await count('a'),
      'a long unit takes more requests',
    );
  },
};

const typing: ChannelCheck = {
  name: 'tells the provider of typing and reading where it says that it can',
  async run(subject) {
    const { adapter } = subject;
    if (!adapter.typing && !adapter.markRead) return;
    await withBench(subject, {}, async ({ providers, context }) => {
      const { thread } = textUnit(subject, 'hello');
      await adapter.typing?.(thread, true, context(0));
      await adapter.markRead?.(thread, 'external-1', context(0));
      ok(providers[0].requests.length > 0, 'the provider was told nothing');
    });
  },
};

const health: ChannelCheck = {
  name: 'check() answers in words, and never throws',
  async run(subject) {
    const { adapter } = subject;
    if (!adapter.check) return;
    await withBench(subject, {}, async ({ providers, context }) => {
      const good = await adapter.check?.(context(0));
      ok(good?.ok, `a well-behaved provider is called unhealthy: ${good?.detail}`);
      for (const answer of [{ status: 401 }, { status: 500 }, 'reset', { body: '<html>' }] as const) {
        providers[0].answer(() => answer);
        const bad = await adapter.check?.(context(1));
        ok((bad?.detail ?? '').length > 10, 'the answer has no words');
      }
      providers[1].answer(() => ({ status: 401 }));
      const refused = await adapter.check?.(context(1));
      ok(refused && !refused.ok && refused.detail.length > 20, 'refused credentials are called healthy');
    });
  },
};

/** What goes out when the provider behaves. */
export const outboundChecks: readonly ChannelCheck[] = [golden, texts, markdown, whole, typing, health];
