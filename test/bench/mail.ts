import { readMail } from '#mail';
import { mailCorpus, readingContext, score, type LabelledMail } from '#mail/testing';
import type { Goal, Report, Row } from './parts/report.js';
import { median } from './parts/report.js';
import type { BenchOptions } from './parts/rounds.js';

const AT_ONCE = 4;

/** How well newly written lines are told from history, and how many mails a second are read, thread and all. */
export async function benchMail(options: BenchOptions): Promise<Report> {
  const corpus = mailCorpus();
  const texts = await Promise.all(corpus.map(textOf));
  const rows: Row[] = [];
  const goals: Goal[] = [];
  for (const [what, holdOut] of [['programs that rules were made for', false], ['other programs', true]] as const) {
    const chosen = corpus.map((mail, i) => ({ mail, text: texts[i]! })).filter(({ mail }) => mail.holdOut === holdOut);
    const figures = sums(chosen);
    rows.push({ mails: what, count: chosen.length, lines: figures.expected, 'precision %': percent(figures.right / figures.kept), 'recall %': percent(figures.right / figures.expected) });
    goals.push({ what: `kept lines that were newly written, ${what}`, wanted: 95, better: 'more', measured: [percent(figures.right / figures.kept)], unit: '%' });
    goals.push({ what: `newly written lines that were kept, ${what}`, wanted: 99, better: 'more', measured: [percent(figures.right / figures.expected)], unit: '%' });
  }
  const rounds: number[] = [];
  for (let i = 0; i < options.rounds; i += 1) rounds.push(await readFor(corpus, options.seconds * 1_000));
  const speed = [{ what: 'mails a second, read in two threads', 'mails /s': Math.round(median(rounds)) }];
  const clients = [...new Set(corpus.map(({ client }) => client))].map((client): Row => {
    const chosen = corpus.map((mail, i) => ({ mail, text: texts[i]! })).filter(({ mail }) => mail.client === client);
    const { right, kept, expected } = sums(chosen);
    return { program: client, mails: chosen.length, 'precision %': percent(right / kept), 'recall %': percent(right / expected) };
  });
  return {
    tables: [{ title: 'newly written lines', rows }, { title: 'by program', rows: clients }, { title: 'speed', rows: speed }],
    goals,
    skipped: [],
  };
} // prettier-ignore

async function textOf({ source }: LabelledMail): Promise<string> {
  const mail = await readMail(source, readingContext());
  return (mail?.parts ?? []).map((part) => (part.type === 'text' || part.type === 'html' ? part.text : '')).join('\n');
}

async function readFor(corpus: readonly LabelledMail[], ms: number): Promise<number> {
  const started = performance.now();
  let [next, count] = [0, 0];
  const worker = async () => {
    while (performance.now() - started < ms) {
      await textOf(corpus[next++ % corpus.length]!);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (count / (performance.now() - started)) * 1_000;
}

function sums(chosen: readonly { readonly mail: LabelledMail; readonly text: string }[]) {
  return chosen
    .map(({ mail, text }) => score(mail, text))
    .reduce((sum, one) => ({ kept: sum.kept + one.kept, expected: sum.expected + one.expected, right: sum.right + one.right }));
} // prettier-ignore

const percent = (share: number): number => Math.round(share * 10_000) / 100;
