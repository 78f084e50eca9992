/** Tells the language of a text as a BCP 47 primary tag (`zh`, `en`), or nothing where the text says too little. */
export type LanguageOf = (text: string) => string | undefined;

/** As much of a text as is looked at, UTF-16 units: more changes no answer. */
const ENOUGH = 400;
/** What tells nothing: addresses, mail addresses, words with digits. */
const NOISE = /\bhttps?:\/\/\S+|\S+@\S+\.\S+|[\p{L}\p{N}_-]*\p{N}[\p{L}\p{N}_-]*/giu;

/** Scripts that one language in the main is written in. A sign of the East Asian ones says as much as several letters. */
const SCRIPTS: readonly { readonly signs: RegExp; readonly weight: number; readonly language: string }[] = [
  { signs: /\p{Script=Han}/gu, weight: 3, language: 'zh' },
  { signs: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu, weight: 3, language: 'ja' },
  { signs: /\p{Script=Hangul}/gu, weight: 3, language: 'ko' },
  { signs: /\p{Script=Thai}/gu, weight: 1, language: 'th' },
  { signs: /\p{Script=Hebrew}/gu, weight: 1, language: 'he' },
  { signs: /\p{Script=Greek}/gu, weight: 1, language: 'el' },
];
const OTHERS = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Devanagari}]/gu;

let loaded: Promise<LanguageOf> | undefined;

/**
 * The detector, loaded when it is first asked for: its tables are a megabyte. By the script where one language is written in it (Chinese characters beside kana
 * are Japanese), else by the frequencies of letters (`eld`), about 10 µs a message.
 */
export function languageDetector(): Promise<LanguageOf> {
  loaded ??= import('eld/extrasmall').then(
    ({ eld }) =>
      (text) =>
        languageOf(text, (words) => eld.detect(words)),
  );
  return loaded;
}

function languageOf(
  text: string,
  byLetters: (words: string) => { language: string; isReliable(): boolean },
): string | undefined {
  const words = text.slice(0, ENOUGH).replace(NOISE, ' ');
  const counts = SCRIPTS.map(({ signs, weight, language }) => ({ language, size: count(words, signs) * weight }));
  const [han, kana] = counts.map(({ size }) => size) as [number, number];
  if (kana > 3 && kana * 6 > han) counts.splice(0, 1, { language: 'ja', size: han + kana });
  const most = counts.reduce((a, b) => (b.size > a.size ? b : a));
  if (most.size > count(words, OTHERS)) return most.language;
  if (words.trim() === '') return undefined;
  const found = byLetters(words);
  return found.language !== '' && found.isReliable() ? found.language : undefined;
}

function count(text: string, signs: RegExp): number {
  return text.match(signs)?.length ?? 0;
}

/** `zh` of `zh-CN` or `zh_Hans`; nothing for what is no tag of a language. */
export function primaryLanguage(tag: string | undefined): string | undefined {
  return /^[a-z]{2,3}(?=[-_]|$)/i.exec(tag ?? '')?.[0].toLowerCase();
}
