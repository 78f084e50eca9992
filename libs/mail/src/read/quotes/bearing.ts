import { valueOf, type Headers } from '../headers.js';

const FORWARDS = /^\s*(?:fwd?|wg|tr|rv|i|enc|转发|轉寄|轉發|转)\s*[:：]/i;
const ANSWERS = /^\s*(?:re|aw|sv|antw|回复|回覆|答复|答覆|回)\s*(?:\[\d+\])?\s*[:：]/i;

/** Whether a mail answers another one, or passes one on: by its subject's first prefix, and by the ids that it names. */
export function bearing(headers: Headers, subject: string): { readonly answers: boolean; readonly forwards: boolean } {
  const named = valueOf(headers, 'in-reply-to') !== '' || valueOf(headers, 'references') !== '';
  return { answers: named || ANSWERS.test(subject), forwards: FORWARDS.test(subject) };
}
