import type { Element } from './tree.js';

const words = (...names: string[]) => new RegExp(`(?:^|[\\s_])(?:${names.join('|')})(?=$|[\\s_\\d])`, 'i');

/** By id or class: what programs put around history. */
const QUOTES = words(
  'gmail_quote',
  'yahoo_quoted',
  'ntes-mailmaster-quote',
  'isReplyContent',
  'protonmail_quote',
  'tutanota_quote',
  'zmail_extra',
  'origbody',
  'reply139content',
  'mail-editor-reference-message-container',
  'OLK_SRC_BODY_SECTION',
);
/** From here to the end of the mail there is history. */
const REST = words('appendonsend', 'divRplyFwdMsg', 'replySplit', 'stopSpelling', 'hm_outlook_reply');
const SIGNATURES = words(
  'gmail_signature',
  'gmail_signature_prefix',
  'moz-signature',
  'Signature',
  'ms-outlook-mobile-signature',
  'AppleMailSignature',
  'ymail_android_signature',
  'ymail_ios_signature',
  'yahoo-signature',
  'ntes-signature',
  'ntes-pcmac-signature',
  'imail_signature',
  'signContainer',
  'protonmail_signature_block',
  'protonmail_signature_block-user',
  'composer_signature',
  'xm_signature',
  'tutanota_signature',
  'Zm-_Id_-Sgn',
);
const LEFT_BORDER = /border-left(?:-width|-style)?\s*:\s*(?!none|0|medium none)/i;
const HIDDEN = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0(?:px)?\s*(?:!|;|$))/i;

const named = ({ attributes }: Element): string => `${attributes['id'] ?? ''} ${attributes['class'] ?? ''}`;
const styleOf = ({ attributes }: Element): string => (attributes['style'] ?? '').slice(0, 2_000);

/** An element that quotes, by the mark of a program: an indented paragraph is none. */
export function isQuote(element: Element): boolean {
  // Gmail marks the container of a forwarded mail like that of a quote; the quote itself is the blockquote in it.
  if (element.tag !== 'blockquote') return QUOTES.test(named(element).replace(/\bgmail_quote(?:_container)?\b/gi, ''));
  const { type } = element.attributes;
  return type?.toLowerCase() === 'cite' || QUOTES.test(named(element)) || LEFT_BORDER.test(styleOf(element));
}

/** An element at which history begins, whatever its end. */
export const beginsHistory = (element: Element): boolean => REST.test(named(element));

/** What a program marked as a signature. */
export function isSignature(element: Element): boolean {
  const { attributes, tag } = element;
  if (tag === 'sign' || attributes['data-smartmail'] === 'gmail_signature' || attributes['name'] === '_MailAutoSig') return true;
  return SIGNATURES.test(named(element)) || /mso-bookmark:\s*_MailAutoSig/i.test(styleOf(element));
} // prettier-ignore

/** Foxmail draws a short rule above of the signature. */
export function isSignatureRule(element: Element): boolean {
  return element.tag === 'hr' && /width:\s*210px/i.test(styleOf(element));
}

/** What nobody sees: its text is nothing that was written to be read. */
export function isHidden(element: Element): boolean {
  return 'hidden' in element.attributes || HIDDEN.test(styleOf(element));
}
