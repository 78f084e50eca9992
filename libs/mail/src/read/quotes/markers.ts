/** Longest text that is looked at for a marker: attributions of several lines, joined. */
export const MOST_MARKER = 600;

const DASHES = '[-_=—‐–*~]{2,}';
const framed = (words: string) => new RegExp(`^${DASHES}\\s*(?:${words})\\s*[:：]?\\s*(?:${DASHES})?$`, 'i');

const HISTORY = framed(
  [
    'original(?: mail| email| message|e nachricht)?|原始邮件|原邮件|邮件原件|原始信息|原始郵件|原始訊息|原文|回复的原邮件|回复邮件原文|回复邮件信息',
    '(?:replied|reply) message|in reply to|ursprüngliche nachricht|message d.origine|mensaje original|messaggio originale',
    'mensagem original|oorspronkelijk bericht|исходное сообщение|元のメッセージ|original-nachricht|원본 메시지',
  ].join('|'),
);
const FORWARD = framed(
  [
    'forwarded message|forwarded mail|forward(?:ed)? by .{1,80}|转发的?邮件(?:信息)?|转发的原邮件|已转发邮件|轉寄的?郵件|weitergeleitete nachricht',
    'message transféré|mensaje reenviado|messaggio inoltrato|mensagem encaminhada|doorgestuurd bericht|転送されたメッセージ|пересылаемое сообщение',
  ].join('|'),
);
const FORWARD_WORDS =
  /^(?:begin forwarded message|start of forwarded message|开始转发的?邮件|以下是转发的?邮件|以下为转发的?邮件|下面是被?转发的?邮件|開始轉寄訊息|anfang der weitergeleiteten (?:nachricht|e-mail)|début du message (?:réexpédié|transféré)|inicio del mensaje reenviado)\s*[:：]$/i;
/** Lines that ticket systems ask to answer above of. */
const ABOVE =
  /^[#>\-*=\s]*(?:please (?:type|write)|reply|write|type)\b.{0,40}\babove this line\b|请在此行上方回复|请在该行以上回复/i;

/** `---- Original Message ----` and the like, on a line of its own. */
export const isHistoryLine = (text: string): boolean => HISTORY.test(text) || ABOVE.test(text);
/** `---------- Forwarded message ---------` and the like. */
export const isForwardLine = (text: string): boolean => FORWARD.test(text) || FORWARD_WORDS.test(text);
/** A line that only draws: `________`, `-----`, or nothing. */
export const isRule = (text: string): boolean => /^[-_=—*~ ]*$/.test(text);
/** A caption that newer QQ Mail puts above a block of headers. */
export const isCaption = (text: string): boolean =>
  isRule(text) || isHistoryLine(text) || /^(?:original|原始邮件|原邮件|原始郵件)$/i.test(text);

const TIME = /\d{1,2}\s?[:.时時h点]\s?\d{2}/;
const WROTE = /\b(?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|skrev|napisał\(?a?\)?|пишет)\s*[:：]?$|(?:写道|寫道|写到|写信道|来信|發信|のメール|書きました|작성)\s*[:：]?$/i; // prettier-ignore
const WROTE_FRAMED = /^-{2,}\s*.{6,}\b(?:wrote|撰写|写道)\s*-{2,}$|^-{2,}.{6,}(?:撰写|写道)\s*-{2,}$/i;
const GERMAN = /^am .{6,} schrieb .{2,}[:：]$/i;
const BARE = /^\d{2,4}[.年/-].{0,30}\d{1,2}:\d{2}.{0,80}<\s?\S+@\S+\s?>\s*[:：]$/;
/** In any language: a line of somebody's address or of a time that ends in a colon. */
const INTRODUCES = /(?:\S@\S|\d{1,2}[:.]\d{2}|\b\d{4}\b).*[:：]$/;
const BEGINS = /^(?:on|le|el|am|op|den|il|em|at|dne|w dniu|dnia|на|в|\d)(?=[\s\d])|^[在于於\d]/i;

/**
 * A line that says who wrote what follows: `On ..., ... wrote:`, `... 写道：`. `certain`: it names a time or an address, as programs do;
 * else it only is one where a quote follows.
 */
export function attribution(text: string): 'certain' | 'possible' | undefined {
  if (text.length > MOST_MARKER) return undefined;
  if (WROTE_FRAMED.test(text) || BARE.test(text) || GERMAN.test(text)) return 'certain';
  if (!WROTE.test(text)) return INTRODUCES.test(text) ? 'possible' : undefined;
  const named = /\S@\S/.test(text) || TIME.test(text);
  return named && /[:：]$/.test(text) ? 'certain' : 'possible';
}

/** A line as attributions begin: with a date, or the word before one. */
export const beginsAttribution = (text: string): boolean => BEGINS.test(text);

const KEYS = {
  from: 'from|发件人|寄件者|寄件人|发送人|von|de|da|差出人|보낸 ?사람|от|från|fra|van|od|lähettäjä|kimden',
  sent: 'sent(?: time)?|date|发送时间|发送日期|发件日期|发件时间|时间|日期|傳送時間|寄件日期|寄送日期|gesendet|datum|envoyé|enviado|送信日時|日時|보낸 ?날짜|дата|отправлено|skickat|sendt|dato|data|verzonden|wysłano|lähetetty|tarih|gönderilen',
  to: 'to|收件人|收件者|an|à|para|宛先|받는 ?사람|кому|till|til|aan|do|vastaanottaja|kime',
  cc: 'cc|抄送|副本|抄送人|kopie',
  subject:
    'subject|主题|主旨|標題|标题|betreff|objet|asunto|oggetto|assunto|件名|제목|тема|ämne|emne|onderwerp|temat|aihe|konu',
} as const;
export type HeaderKey = keyof typeof KEYS;
const FIELDS = Object.entries(KEYS).map(
  ([key, words]) => [key as HeaderKey, new RegExp(`^[|*\\s]*(?:${words})\\s*\\*?\\s*[:：|]\\s*\\*?\\s*(.*)$`, 'i')] as const,
); // prettier-ignore

/** `From: Anna <anna@example.com>` as [from, ...]: a line of the headers that programs put above of what they quote. */
export function headerField(text: string): readonly [key: HeaderKey, value: string] | undefined {
  if (text.length > MOST_MARKER) return undefined;
  const bare = text.replace(/^(\p{Script=Han})[\s\u3000]+(?=\p{Script=Han})/u, '$1');
  for (const [key, pattern] of FIELDS) {
    const match = pattern.exec(bare);
    if (match) return [key, match[1]!.trim()];
  }
  return undefined;
}

const DEVICES = 'iphone|ipad|android|galaxy|outlook|windows|mail|手机|手機|平板|邮箱|郵箱|邮件|客户端|微信';
const DEVICE = new RegExp(
  [
    '^(?:sent|gesendet|envoyé|enviado|inviato|verzonden|sendt|skickat) (?:from|via|with|von|mit|depuis|desde|da|vanaf|met|fra|från) .{2,60}$',
    '^von meinem .{2,40} gesendet$',
    '^get outlook for .{2,20}$',
    '^(?:发|發|发送|寄|傳送)自(?:我的[^，。！？]{1,30}|[^，。！？]{0,20}(?:' + DEVICES + ')[^，。！？]{0,20})$',
    '^(?:来自|获取|下载|使用|从我的|從我的)[^，。！？]{0,30}(?:' + DEVICES + ')[^，。！？]{0,20}$',
    '^iPhoneから送信$',
  ].join('|'),
  'i',
);
const DISCLAIMER =
  /^[*\s]*(?:confidentiality (?:notice|note)|disclaimer\b|legal notice|important notice)|^(?:this|the information (?:contained )?in this) (?:e-?mail|message|communication)\b.{0,120}\b(?:confidential|privileged|intended (?:only |solely )?for)|^(?:本邮件|此邮件|本电子邮件|本郵件|此郵件).{0,60}(?:保密|机密|機密|仅供|仅限|僅供|收件人)|^(?:免责声明|保密声明|法律声明|免責聲明)/i;

/** `Sent from my iPhone`, `发自我的小米手机`. */
export const isDeviceLine = (text: string): boolean => {
  if (text.length > 160) return false;
  return DEVICE.test(text.replace(/\s*<https?:[^<>]*>$/, ''));
};
/** The beginning of what companies append to every mail. */
export const isDisclaimer = (text: string): boolean => DISCLAIMER.test(text.slice(0, 300));
/** `-- `, with which signatures begin (RFC 3676 section 4.3), also where its blank was lost. */
export const isDelimiter = (text: string): boolean => /^--\s?$/.test(text);
