import { chinese } from './chinese.js';
import { BODIES, DISCLAIMERS, earlierMail, LOOKALIKES, SIGNATURES } from './contents.js';
import { gmailAndApple } from './gmail-and-apple.js';
import { oddities, type Oddity } from './oddities.js';
import { others } from './others.js';
import { outlook } from './outlook.js';
import type { Client, Script } from './script.js';

/** A mail with what is known of it. */
export interface LabelledMail {
  readonly id: string;
  readonly client: string;
  readonly language: Script['language'];
  readonly holdOut: boolean;
  readonly source: Buffer;
  /** The lines that were newly written, blank ones left out. */
  readonly kept: readonly string[];
}

type Form = 'plain' | 'html';
type Scene = { readonly name: string; readonly script: (seed: number, language: Script['language']) => Script };

const pick = <T>(values: readonly T[], seed: number): T => values[seed % values.length]!;
const scene = (name: string, script: Scene['script']): Scene => ({ name, script });

/** What happens in mail. */
const SCENES: readonly Scene[] = [
  scene('reply', (seed, language) => ({ language, mode: 'reply', body: pick(BODIES[language], seed), history: earlierMail(language, seed) })),
  scene('reply to a reply', (seed, language) => ({ language, mode: 'reply', body: pick(BODIES[language], seed), history: earlierMail(language, seed, 2) })),
  scene('reply, signed', (seed, language) => ({ language, mode: 'reply', body: pick(BODIES[language], seed), signature: pick(SIGNATURES[language], seed), history: earlierMail(language, seed) })),
  scene('reply with a disclaimer', (seed, language) => ({ language, mode: 'reply', body: pick(BODIES[language], seed), disclaimer: pick(DISCLAIMERS[language], seed), history: earlierMail(language, seed) })),
  scene('forward', (seed, language) => ({ language, mode: 'forward', body: pick(BODIES[language], seed), history: earlierMail(language, seed) })),
  scene('answers in between', (seed, language) => ({ language, mode: 'inline', body: pick(BODIES[language].slice(3, 5), seed).filter(Boolean), history: earlierMail(language, seed) })),
  scene('answer below', (seed, language) => ({ language, mode: 'below', body: pick(BODIES[language], seed), history: earlierMail(language, seed) })),
  scene('nothing quoted', (seed, language) => ({ language, mode: 'fresh', body: pick(LOOKALIKES[language], seed) })),
  scene('answer that looks like a quote', (seed, language) => ({ language, mode: 'reply', body: pick(LOOKALIKES[language], seed), history: earlierMail(language, seed) })),
]; // prettier-ignore

/** Programs that can answer between lines or below, and those that sign or append. */
const INLINE = /^(?:Gmail|Apple Mail|Thunderbird|mutt|NetEase web|Thunderbird, German)$/;
const BELOW = /^(?:Thunderbird|mutt|Thunderbird, German|NetEase web)$/;
const NO_INLINE_HTML = /^(?:Apple Mail|NetEase web)$/;
const SIGNS =
  /^(?:Gmail|Apple Mail|Outlook desktop|Outlook web|Outlook classic, plain|Foxmail|NetEase Mail Master|Thunderbird|mutt)$/;
const APPENDS = /^(?:Outlook desktop|Outlook classic, plain)$/;
const NO_FORWARD = /^(?:Xiaomi|Yahoo.*|mutt|Proton|Zoho|Yandex|.*German)$/;

function happens({ name }: Client, form: Form, scene: Scene): boolean {
  switch (scene.name) {
    case 'answers in between':
      return INLINE.test(name) && (form === 'plain' || !NO_INLINE_HTML.test(name));
    case 'answer below':
      return BELOW.test(name) && (form === 'plain' || name === 'Thunderbird');
    case 'reply, signed':
      return SIGNS.test(name);
    case 'reply with a disclaimer':
      return APPENDS.test(name);
    case 'forward':
      return !NO_FORWARD.test(name);
    default:
      return true;
  }
}

/**
 * Mails as the programs write that customers use, made of templates of their shapes and of texts, each with its newly written lines. Where
 * somebody answers between lines, and where mail is forwarded, all lines count as written. `holdOut`: programs whose shapes the rules were
 * not tuned on.
 */
export function mailCorpus(): LabelledMail[] {
  const mails: LabelledMail[] = [];
  for (const client of [...gmailAndApple, ...outlook, ...chinese, ...others]) {
    for (const language of client.languages) {
      for (const form of ['plain', 'html'] as const) {
        for (const scene of SCENES) {
          if (client[form] && happens(client, form, scene)) mails.push(mail({ client, language, form, scene }, mails.length));
        }
      }
    }
  }
  oddities.forEach((oddity) => mails.push(oddMail(oddity, mails.length)));
  return mails;
} // prettier-ignore

function oddMail({ name, subject, answers, holdOut, plain, html, kept }: Oddity, seed: number): LabelledMail {
  const heads = [
    ...['From: John <customer@mail.example>', 'To: support@shop.example', `Subject: ${word(subject)}`],
    ...[`Message-ID: <${seed}.o@mail.example>`, ...(answers ? [`In-Reply-To: <${seed}.s@shop.example>`] : [])],
    ...['Date: Sat, 21 Nov 2026 03:12:31 +0800', 'MIME-Version: 1.0'],
  ];
  const lines = (plain ?? '').split('\n');
  const text = html ?? lines.map((one) => one.replace(/^\+/, '')).join('\n');
  return {
    ...{
      id: `${name} (${html ? 'html' : 'plain'})`,
      client: 'one of a kind',
      language: 'en',
      holdOut: holdOut === true,
    },
    source: Buffer.from([...heads, ...body(html ? 'html' : 'plain', text, undefined)].join('\r\n')),
    kept: (kept ?? lines.filter((one) => one.startsWith('+')).map((one) => one.slice(1))).map(line).filter(Boolean),
  };
}

interface Cast {
  readonly client: Client;
  readonly language: Script['language'];
  readonly form: Form;
  readonly scene: Scene;
}

function mail({ client, language, form, scene }: Cast, seed: number): LabelledMail {
  const script = scene.script(seed, language);
  const blocks = client[form]!(script);
  const id = `${client.name}, ${language}, ${form}: ${scene.name}`;
  const text = blocks.map(({ raw }) => raw).join('');
  const plain = form === 'html' ? client.plain?.(script).map(({ raw }) => raw).join('') : undefined; // prettier-ignore
  return {
    ...{ id, client: client.name, language, holdOut: client.holdOut === true },
    source: Buffer.from([...heads(client, script, seed), ...body(form, text, plain)].join('\r\n')),
    kept: blocks.filter(({ kept }) => kept).flatMap(({ lines }) => lines.map(line).filter(Boolean)),
  };
}

/** A line by which lines are compared: blanks are drawn in many ways. */
export const line = (text: string): string => text.replace(/[\s\u00a0\u202f]+/g, ' ').replace(/([:：]) /g, '$1').replace(/ ?<https?:[^>]*>/g, '').trim(); // prettier-ignore

function heads({ headers }: Client, { language, mode, history }: Script, seed: number): string[] {
  const subject = history?.subject ?? (language === 'zh' ? '咨询' : 'A question');
  const prefix = { fresh: '', forward: language === 'zh' ? '转发：' : 'Fwd: ' }[mode as string] ?? (/^(?:re:|回复：)/i.test(subject) ? '' : language === 'zh' ? '回复：' : 'Re: '); // prettier-ignore
  return [
    `From: ${word(language === 'zh' ? '王伟' : 'John Smith')} <customer@mail.example>`,
    'To: support@shop.example',
    `Subject: ${word(prefix + subject)}`,
    `Message-ID: <${seed}.c@mail.example>`,
    ...(mode === 'fresh' ? [] : [`In-Reply-To: <${seed}.s@shop.example>`, `References: <${seed}.s@shop.example>`]),
    `Date: Sat, 21 Nov 2026 0${seed % 10}:12:31 +0800`,
    'MIME-Version: 1.0',
    ...headers,
  ];
}

function body(form: Form, text: string, plain: string | undefined): string[] {
  if (form === 'plain') return ['Content-Type: text/plain; charset=utf-8; format=fixed', ...encoded(text)];
  if (plain === undefined) return ['Content-Type: text/html; charset="utf-8"', ...encoded(text)];
  const part = (type: string, content: string) => [
    '--=_b1_x',
    `Content-Type: ${type}; charset="utf-8"`,
    ...encoded(content),
  ];
  return ['Content-Type: multipart/alternative; boundary="=_b1_x"', '', ...part('text/plain', plain), ...part('text/html', text), '--=_b1_x--', '']; // prettier-ignore
}

const encoded = (text: string): string[] => ['Content-Transfer-Encoding: base64', '', ...(Buffer.from(text.replace(/\n/g, '\r\n')).toString('base64').match(/.{1,76}/g) ?? [])]; // prettier-ignore
const word = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;

export interface Score {
  readonly kept: number;
  readonly expected: number;
  readonly right: number;
}

/** How the lines that were kept of a mail compare with those that should have been. */
export function score(mail: LabelledMail, text: string): Score {
  const left = new Map<string, number>();
  for (const expected of mail.kept) left.set(expected, (left.get(expected) ?? 0) + 1);
  const kept = text.split('\n').map(line).filter(Boolean); // prettier-ignore
  let right = 0;
  for (const one of kept) {
    const count = left.get(one) ?? 0;
    if (count > 0) {
      right += 1;
      left.set(one, count - 1);
    }
  }
  return { kept: kept.length, expected: mail.kept.length, right };
}
