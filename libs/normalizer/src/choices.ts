import { LIMITS, type ChoiceOption, type ChoicesPart, type Part } from './parts.js';

/** The question as text where a channel has no buttons: its text, then one line `1. label` per option. */
export function numberedChoices({ text, options }: Pick<ChoicesPart, 'text' | 'options'>): string {
  const lines = options.map(({ label }, i) => `${i + 1}. ${label}`);
  return [text, ...lines].filter((line) => line !== '').join('\n');
}

/**
 * The option that a typed answer means, or null. Taken are the number as it was shown (`2`, `２`, `2.`, `(2)`, `②`, `2️⃣`), the label, and
 * the number with the label; width, case and outer spaces do not matter. What fits two options means none: two equal labels, or a label
 * that is another option's number. The option's id counts only where nothing that was shown fits.
 */
export function matchChoice(typed: string, options: readonly ChoiceOption[]): ChoiceOption | null {
  const key = choiceKey([{ type: 'text', text: typed }]);
  const index = choiceIndex(options);
  return key !== null && Object.hasOwn(index, key) ? (index[key] ?? null) : null;
}

/** What a message looks up in a `choiceIndex`: its only part folded to a key; null where it cannot be a typed answer. */
export function choiceKey(parts: readonly Part[]): string | null {
  const [only] = parts;
  if (parts.length !== 1 || only?.type !== 'text' || only.text.length > LIMITS.label + 10) return null;
  return toKey(only.text) || null;
}

/** Every key under which an option can be typed, so that a store finds the answer by one look-up; rules as in `matchChoice`. */
export function choiceIndex(options: readonly ChoiceOption[]): Record<string, ChoiceOption> {
  const shown = claims(options, (option, i) => [`${i + 1}`, toKey(option.label), `${i + 1}. ${fold(option.label)}`]);
  const ids = claims(options, (option) => [toKey(option.id)]);
  const found = new Map([...ids, ...shown]);
  return Object.fromEntries([...found].flatMap(([key, option]) => (option && key !== '' ? [[key, option]] : [])));
}

/** Which option each key means; null where two claim it. */
function claims(
  options: readonly ChoiceOption[],
  keysOf: (option: ChoiceOption, index: number) => string[],
): Map<string, ChoiceOption | null> {
  const claimed = new Map<string, ChoiceOption | null>();
  options.forEach((option, i) => {
    for (const key of new Set(keysOf(option, i))) claimed.set(key, claimed.has(key) ? null : option);
  });
  return claimed;
}

function toKey(text: string): string {
  const folded = fold(text);
  const number = /^\(?(\d{1,3})[.)、。:]?$/.exec(folded)?.[1];
  return number ? String(Number(number)) : folded;
}

/** U+FE0F and U+20E3 make a keycap emoji of a digit. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\uFE0F\u20E3]/g, '')
    .trim()
    .toLowerCase();
}
