import type { OutboundUnit } from '#normalizer';
import { oneLine } from '#mail';

/** "Re:" as the common programs of the world write it, with a count or without. "Ref:" is what people write above of a number. */
const REPLY =
  /^(?:\s{0,9}(?:re|aw|antw|sv|vs|rif|res|odp|ynt|atb|bls|vá|απ|回复|回覆|答复|答覆|回|返信|답장|رد)\s?(?:\[\d{1,4}\])?\s?[:：])+/i;
const LONGEST = 250;
const LONGEST_OF_TEXT = 70;

/**
 * The subject of a mail: that of the conversation, with one `Re:` before it where a mail is answered. Where the conversation has none it
 * is how the text begins, but never that of a notice: a one-time code is not for whoever sees a list of mails.
 */
export function subjectOf(unit: OutboundUnit, sender: string): string {
  const given = bare(unit.subject ?? '');
  if (unit.replyTo !== undefined) return `Re: ${given || oneLine(sender)}`;
  return given || (unit.notice ? '' : beginning(unit.text)) || oneLine(sender);
}

/** One line without "Re:". */
function bare(subject: string): string {
  return shortened(oneLine(subject).replace(REPLY, '').trim(), LONGEST);
}

function beginning(text: string): string {
  return shortened(oneLine(text.trim().split('\n', 1)[0] ?? ''), LONGEST_OF_TEXT);
}

function shortened(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most
    ? text
    : `${characters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}
