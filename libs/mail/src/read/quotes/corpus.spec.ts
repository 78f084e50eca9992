import { beforeAll, describe, expect, it } from '@jest/globals';
import { mailCorpus, score, type LabelledMail } from '../../testing/mails/corpus.js';
import { textOf, valueOf, readHeaders } from '../headers.js';
import { understand } from '../understand.js';
import { bearing } from './bearing.js';

/** Mails of which a line is wrongly kept or lost: signatures that nothing marks. */
const KNOWN = [
  'Apple Mail, en, plain: reply, signed',
  'Apple Mail, zh, plain: reply, signed',
  'Foxmail, en, plain: reply, signed',
  'Foxmail, zh, plain: reply, signed',
];

describe('newly written lines of mail by many programs', () => {
  const corpus = mailCorpus();
  const texts = new Map<LabelledMail, string>();

  beforeAll(async () => {
    for (const mail of corpus) {
      const headers = readHeaders(mail.source);
      const { text } = await understand(mail.source, bearing(headers, textOf(valueOf(headers, 'subject'))));
      texts.set(mail, text);
    }
  });

  const wrong = (mail: LabelledMail): boolean => {
    const { kept, right, expected } = score(mail, texts.get(mail)!);
    return kept !== right || right !== expected;
  };

  it('are found', () => {
    const tuned = corpus.filter(({ holdOut }) => !holdOut);
    expect(tuned.length).toBeGreaterThan(300);
    expect(tuned.filter(wrong).map(({ id }) => id)).toEqual(KNOWN);
  });

  it('are never lost, also by programs that no rule was made for', () => {
    const lost = corpus.filter((mail) => {
      const { right, expected } = score(mail, texts.get(mail)!);
      return right < expected;
    });
    expect(lost.map(({ id }) => id)).toEqual([]);
  });

  it('are told from history by programs that no rule was made for', () => {
    const held = corpus.filter(({ holdOut }) => holdOut);
    const scores = held.map((mail) => score(mail, texts.get(mail)!));
    const sum = (key: 'kept' | 'right') => scores.reduce((total, one) => total + one[key], 0);
    expect(held.length).toBeGreaterThan(60);
    expect(sum('right') / sum('kept')).toBeGreaterThan(0.95);
  });
});
