import { Parser } from 'htmlparser2';
import type { PartInput } from '#normalizer';
import { htmlText } from '../tickets/html.js';
import { wordsOf } from '../tickets/words.js';

const ENGLISH = {
  internal: '*** Internal note of the gateway: for agents only, not for the customer ***',
  answers: 'Whatever answers this mail goes to the customer.',
  about: '*** About this conversation: for agents only, not for the customer ***',
  linked: 'Files that are too large for a mail:',
};
const CHINESE: typeof ENGLISH = {
  internal: '*** 网关内部备注：仅供客服查看，请勿转发给客户 ***',
  answers: '对本邮件的任何回复都会发送给客户。',
  about: '*** 会话信息：仅供客服查看，请勿转发给客户 ***',
  linked: '过大而无法随邮件发送的文件：',
};

/** The words that stand in every mail of a kind, in the language of the settings. */
export function mailWords(language: 'en' | 'zh'): typeof ENGLISH {
  return language === 'zh' ? CHINESE : ENGLISH;
}

const FOR_AGENTS = [ENGLISH, CHINESE].flatMap(({ internal, about }) => [bare(internal), bare(about)]);
const LABELS = (['en', 'zh'] as const).flatMap((language) => Object.values(wordsOf(language).facts));

/** An empty or drawn line. */
const RULE = /^[\s*_=~-]*$/;

export interface Answer {
  readonly text: string;
  /** Was anything cut off that may be of the answer? */
  readonly lost: boolean;
}

/** What a mail says without what we wrote for agents alone, where that was quoted and not taken for history. */
export function withoutInternal(parts: readonly PartInput[]): Answer {
  const all = parts.map(textOf).filter(({ text, lost }) => text !== '' || lost);
  return { text: all.map(({ text }) => text).filter(Boolean).join('\n\n'), lost: all.some(({ lost }) => lost) };
} // prettier-ignore

function textOf(part: PartInput): Answer {
  if (part.type !== 'text' && part.type !== 'html') return { text: '', lost: false };
  if (part.type === 'text' || placeIn(part.text.split('\n')) === null) return cut(part.text);
  const rest = htmlText(withoutQuotes(part.html));
  return rest === '' ? { text: '', lost: true } : cut(rest);
}

/** Where text is for agents, it ends there, and what is quoted above of it goes too. What follows is ours, or quoted; or else it is lost. */
function cut(text: string): Answer {
  const lines = text.split('\n');
  const place = placeIn(lines);
  if (place === null) return { text, lost: false };
  const sign = /^\s*([>|])/.exec(lines[place.first]!)?.[1] ?? '>';
  const isQuoted = (line: string) => line.startsWith('>') || line.trimStart().startsWith(sign);
  const above = lines.slice(0, place.first).filter((line) => !isQuoted(line));
  const below = lines.slice(place.last + 1);
  while (RULE.test(above.at(-1) ?? 'x')) above.pop();
  const said = above.join('\n').trim();
  // Of a mail that is one line nobody knows what is whose.
  const beside = (place.before && said === '') || (place.after && !isQuoted(lines[place.last]!));
  return { text: said, lost: beside || below.some((line) => !isQuoted(line) && !isOurs(line)) };
}

/** Nothing, or a fact as we wrote it. */
function isOurs(line: string): boolean {
  const said = line.replace(/^[\s*•-]+/, '');
  return RULE.test(said) || LABELS.some((label) => said.startsWith(label) && /^(?: \(.*\))?:/.test(said.slice(label.length)));
} // prettier-ignore

interface Place {
  readonly first: number;
  readonly last: number;
  /** Is anything else on its first line, and on its last one? */
  readonly before: boolean;
  readonly after: boolean;
}

/** The lines from which on, and until which, our words for agents stand, by letters and digits alone: programs break lines, and put signs of their own. */
function placeIn(lines: readonly string[]): Place | null {
  const said = lines.map(bare);
  const joined = said.join('');
  const [[at, words] = []] = FOR_AGENTS.map((one) => [joined.indexOf(one), one] as const).filter(([found]) => found >= 0).sort(([a], [b]) => a - b); // prettier-ignore
  if (at === undefined || words === undefined) return null;
  const end = at + words.length;
  let passed = 0;
  const starts = said.map((line) => (passed += line.length) - line.length);
  const lineAt = (offset: number) => starts.findLastIndex((start) => start <= offset);
  const [first, last] = [lineAt(at), lineAt(end - 1)];
  return { first, last, before: at > starts[first]!, after: end < starts[last]! + said[last]!.length };
}

/** Html without the outermost quotes in which our words for agents stand. */
function withoutQuotes(html: string): string {
  const kept: string[] = [];
  let [depth, start, from] = [0, 0, 0];
  const close = (end: number) => {
    const quote = html.slice(start, end);
    if (placeIn(htmlText(quote).split('\n')) === null) return;
    kept.push(html.slice(from, start));
    from = end;
  };
  const parser = new Parser({
    onopentag(name) {
      if (name === 'blockquote' && (depth += 1) === 1) start = parser.startIndex;
    },
    onclosetag(name) {
      if (name === 'blockquote' && (depth -= 1) === 0) close(parser.endIndex + 1);
    },
  });
  parser.end(html);
  return [...kept, html.slice(from)].join('');
}

function bare(line: string): string {
  return line.normalize('NFKC').replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
} // prettier-ignore
