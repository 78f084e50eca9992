import { capabilitiesOf, builtinAdapters, fit, type Capabilities } from '#channels';
import { countSegments } from '#normalizer';
import type { Goal, Report, Row } from './parts/report.js';
import { median } from './parts/report.js';
import type { BenchOptions } from './parts/rounds.js';

const TEXTS: Readonly<Record<string, string>> = {
  'one SMS, GSM-7 (160 characters)': 'Your parcel is on its way. '.repeat(6).slice(0, 160),
  'one SMS, Chinese (70 characters)': '您的包裹已经在路上，预计明天送达。'.repeat(5).slice(0, 70),
  'ten SMS, GSM-7 (1,530 characters)': 'Your parcel is on its way. '.repeat(57).slice(0, 1_530),
  'ten SMS, Chinese (660 characters)': '您的包裹已经在路上，预计明天送达。'.repeat(39).slice(0, 660),
  'split, emoji and graphemes (10,000 characters)': '👨‍👩‍👧 Ça va? 在路上 '.repeat(500).slice(0, 10_000),
};

/** Works that are timed side by side, so that none has the processor to itself. */
const WORKS: Readonly<Record<string, (text: string, can: Capabilities) => unknown>> = {
  'JSON there and back': (text) => JSON.parse(JSON.stringify({ parts: [{ type: 'text', text }] })),
  'segments counted': (text) => countSegments(text),
  'fit() to SMS': (text, can) => fit({ parts: [{ type: 'text', text }] }, can),
};
const SLICE_MS = 10;

/** Texts a second that are counted in segments, and that are made ready for SMS: beside JSON there and back, the least that any message costs. */
export function benchText(options: BenchOptions): Promise<Report> {
  const sms = builtinAdapters.find(({ type }) => type === 'sms-twilio')!;
  const own = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'none', from: '+15550001111' };
  const can = capabilitiesOf({ adapter: sms as never, config: sms.config.parse(own) });
  const wide = { ...can, text: { ...can.text, maxUnits: 1_000 } };
  const goals: Goal[] = [];
  const rows = Object.entries(TEXTS).map(([title, text]): Row => {
    const rounds = Array.from({ length: options.rounds }, () => race(text, wide, options.seconds * 1_000));
    const figures = Object.keys(WORKS).map((work) => [
      `${work} /s`,
      Math.round(median(rounds.map((round) => round[work]!))),
    ]);
    const share = rounds.map((round) => round['fit() to SMS']! / round['JSON there and back']!);
    if (title.startsWith('one'))
      goals.push({ what: `${title}: fit() beside JSON`, wanted: 0.1, better: 'more', measured: share });
    return { text: title, ...(Object.fromEntries(figures) as Row), 'fit() / JSON': median(share) };
  });
  return Promise.resolve({ tables: [{ title: 'texts a second, one thread', rows }], goals, skipped: [] });
}

/** How often each work is done in a second, in turns of a few milliseconds. */
function race(text: string, can: Capabilities, ms: number): Record<string, number> {
  const done = Object.fromEntries(Object.keys(WORKS).map((name) => [name, { count: 0, ms: 0 }]));
  const end = performance.now() + ms;
  do {
    for (const [name, work] of Object.entries(WORKS)) {
      const started = performance.now();
      let now = started;
      while (now - started < SLICE_MS) {
        for (let i = 0; i < 20; i += 1) work(text, can);
        done[name]!.count += 20;
        now = performance.now();
      }
      done[name]!.ms += now - started;
    }
  } while (performance.now() < end);
  return Object.fromEntries(
    Object.entries(done).map(([name, { count, ms: spent }]) => [name, (count / spent) * 1_000]),
  );
}
