import { z } from 'zod';

/**
 * Words that, alone in a message, refuse all further messages or take them again. Compared without case, width, spaces, hyphens and punctuation around them.
 * The general ones are those of the CTIA and of Twilio's default handling; `YES`, which Twilio takes for START, is not among them, since it answers
 * questions too. Those of China are what operators and providers ask for there (拒收请回复R, 回T退订, 回复TD退订).
 */
const OUT = ['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'optout', 'revoke'];
const IN = ['start', 'unstop', 'optin'];

/** Further words by country, named by its calling code. */
const SPANISH = ['baja', 'alto', 'parar', 'cancelar', 'detener'];
const PORTUGUESE = ['sair', 'parar', 'cancelar', 'remover'];
const DUTCH = ['afmelden', 'uitschrijven'];
const GERMAN = ['stopp', 'abmelden', 'abbestellen'];
const FRENCH = ['arret', 'arrêt', 'desabonner', 'désabonner'];
const TRADITIONAL = ['退訂', '取消訂閱', '拒收'];
const OUT_IN: Readonly<Record<string, readonly string[]>> = {
  '86': ['t', 'td', 'r', 'n', '退', '退订', '回t', '回td', '0000', 'qx', '拒收', '取消订阅'],
  '852': TRADITIONAL, '853': TRADITIONAL, '886': TRADITIONAL,
  '81': ['停止', '配信停止'], '82': ['수신거부', '중지'], '7': ['стоп'],
  '1': [...FRENCH, ...SPANISH], '33': FRENCH, '32': [...FRENCH, ...DUTCH], '41': [...GERMAN, ...FRENCH], '49': GERMAN, '43': GERMAN,
  '34': SPANISH, '52': SPANISH, '54': SPANISH, '56': SPANISH, '57': SPANISH, '51': SPANISH,
  '351': PORTUGUESE, '55': PORTUGUESE, '39': ['annulla', 'cancella', 'disiscrivi'], '31': DUTCH,
}; // prettier-ignore
const ALTA = ['alta'];
const ANMELDEN = ['anmelden'];
const ABONNER = ['abonner', 'reprendre'];
const SUBSCRIBE = ['訂閱', '恢復'];
const IN_IN: Readonly<Record<string, readonly string[]>> = {
  '86': ['订阅', '恢复', '恢复订阅'],
  '852': SUBSCRIBE, '853': SUBSCRIBE, '886': SUBSCRIBE,
  '1': [...ABONNER, ...ALTA], '33': ABONNER, '32': [...ABONNER, 'aanmelden'], '31': ['aanmelden'],
  '49': ANMELDEN, '43': ANMELDEN, '41': [...ANMELDEN, ...ABONNER],
  '34': ALTA, '52': ALTA, '54': ALTA, '56': ALTA, '57': ALTA, '51': ALTA,
  '351': ['voltar'], '55': ['voltar'], '39': ['iscrivi', 'riprendi'], '81': ['再開', '配信再開'], '82': ['수신동의'], '7': ['старт'],
}; // prettier-ignore

const words = z.array(z.string().min(1).max(40)).max(100).default([]);

/** The setting `consent` of an SMS account. */
export const consentSettings = z
  .object({
    builtin: z.boolean().default(true).describe('Use the built-in words of each country (STOP, 退订, T, START, ...).'),
    optOut: words.describe('Further words that, alone in a message, refuse all further messages.'),
    optIn: words.describe('Further words that, alone in a message, take messages again.'),
  })
  .prefault({})
  .describe('Words by which customers refuse messages, and take them again.');
export type ConsentSettings = z.infer<typeof consentSettings>;

/** What a message says of consent, if it is one of the words and nothing else. `from` is the sender in E.164, whose country decides which words count. */
export function consentIn(text: string, from: string, settings: ConsentSettings): 'opted-out' | 'opted-in' | null {
  if (text.length > 60) return null;
  const word = plain(text);
  const { builtin } = settings;
  const said = (
    general: readonly string[],
    local: Readonly<Record<string, readonly string[]>>,
    own: readonly string[],
  ) =>
    own.some((candidate) => plain(candidate) === word) ||
    (builtin && (general.includes(word) || wordsOf(from, local).includes(word)));
  if (said(OUT, OUT_IN, settings.optOut)) return 'opted-out';
  return said(IN, IN_IN, settings.optIn) ? 'opted-in' : null;
}

function wordsOf(from: string, local: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const country = [4, 3, 2].map((end) => from.slice(1, end)).find((code) => Object.hasOwn(local, code));
  return country ? (local[country] ?? []) : [];
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cf}\s-]/gu, '')
    .replace(/^[\p{P}\p{S}]+|[\p{P}\p{S}]+$/gu, '');
}
