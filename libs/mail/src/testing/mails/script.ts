/** A mail as people mean it: what somebody writes, under it who they are, and what they answer or pass on. */
export interface Script {
  readonly language: 'en' | 'zh';
  readonly mode: 'fresh' | 'reply' | 'inline' | 'below' | 'forward';
  readonly body: readonly string[];
  readonly signature?: readonly string[];
  readonly disclaimer?: readonly string[];
  readonly history?: Earlier;
}

/** A mail that is answered or passed on, and what that one answered. */
export interface Earlier {
  readonly name: string;
  readonly address: string;
  readonly toName: string;
  readonly to: string;
  readonly at: Date;
  readonly subject: string;
  readonly body: readonly string[];
  readonly history?: Earlier;
}

/** A piece of a mail as a program writes it, the lines that are seen of it, and whether the person newly wrote them. */
export interface Block {
  readonly kept: boolean;
  readonly lines: readonly string[];
  readonly raw: string;
}

/** How a program writes mail. `holdOut`: no rule was tuned on it. */
export interface Client {
  readonly name: string;
  readonly languages: readonly Script['language'][];
  readonly holdOut?: true;
  readonly headers: readonly string[];
  readonly plain?: (script: Script) => Block[];
  readonly html?: (script: Script) => Block[];
}

export const block = (kept: boolean, lines: readonly string[], raw: string): Block => ({ kept, lines, raw });
/** Lines as they stand in plain text. */
export const plainBlock = (kept: boolean, lines: readonly string[]): Block =>
  block(kept, lines, `${lines.join('\n')}\n`);
export const gap = (count = 1): Block => block(false, [], '\n'.repeat(count));

export const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
/** `before` and `after` around each line. */
export const each = (lines: readonly string[], before: string, after: string): string =>
  lines.map((line) => `${before}${line === '' ? '<br>' : escaped(line)}${after}`).join('');

/** Lines of a mail and of all that it answers, each level with another sign before it. */
export function quotedLines(earlier: Earlier, attribution: (earlier: Earlier) => readonly string[]): string[] {
  const nested = earlier.history
    ? ['', ...attribution(earlier.history), ...quotedLines(earlier.history, attribution)]
    : [];
  return [...earlier.body, ...nested].map((line) =>
    line === '' ? '>' : line.startsWith('>') ? `>${line}` : `> ${line}`,
  );
}

/** Plain text with signs: the reply above, below, or between the lines of what it answers. */
export function signed(script: Script, attribution: (earlier: Earlier) => readonly string[], tail: readonly Block[] = []): Block[] {
  const { mode, body, history } = script;
  if (!history || mode === 'fresh') return [plainBlock(true, body), ...tail];
  const head = attribution(history);
  const quote = quotedLines(history, attribution);
  if (mode === 'below') return [plainBlock(false, head), plainBlock(false, quote), gap(), plainBlock(true, body), ...tail];
  if (mode === 'inline') {
    const middle = Math.max(1, Math.floor(history.body.length / 2));
    const [first, rest] = [quote.slice(0, middle), quote.slice(middle)];
    const [answer, ...others] = body;
    return [plainBlock(true, head), plainBlock(true, first), gap(), plainBlock(true, [answer!]), gap(), plainBlock(true, rest), gap(), plainBlock(true, others), ...tail];
  }
  return [plainBlock(true, body), gap(), ...tail, ...(tail.length > 0 ? [gap()] : []), plainBlock(false, head), plainBlock(false, quote)];
} // prettier-ignore

const pad = (value: number): string => String(value).padStart(2, '0');
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEK = '日一二三四五六';

/** Parts of a date from which each program makes its own. */
export function dateOf(at: Date) {
  const hour = at.getUTCHours();
  return {
    y: at.getUTCFullYear(),
    m: at.getUTCMonth() + 1,
    d: at.getUTCDate(),
    mm: pad(at.getUTCMonth() + 1),
    dd: pad(at.getUTCDate()),
    h: hour,
    hh: pad(hour),
    h12: hour % 12 === 0 ? 12 : hour % 12,
    min: pad(at.getUTCMinutes()),
    ss: pad(at.getUTCSeconds()),
    pm: hour < 12 ? 'AM' : 'PM',
    halb: hour < 12 ? '上午' : '下午',
    day: DAYS[at.getUTCDay()]!,
    month: MONTHS[at.getUTCMonth()]!,
    week: WEEK[at.getUTCDay()]!,
  };
} // prettier-ignore
