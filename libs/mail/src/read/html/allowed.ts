/** Elements that are left out with all that is in them. */
export const DROPPED = new Set(
  'script style head title meta link base object embed applet param iframe frame frameset noframes noscript noembed template svg math textarea select option optgroup button input keygen datalist xmp plaintext listing audio video source track canvas map area dialog portal marquee bgsound slot'.split(
    ' ',
  ),
);
/** Elements that are written as they are, without what else they say but the attributes below. All others only lend their children. */
export const KEPT = new Set(
  'p div span br hr b strong i em u s strike del ins sub sup small big font center h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code tt kbd samp var a img table caption colgroup col thead tbody tfoot tr td th abbr cite q address mark wbr'.split(
    ' ',
  ),
);
export const VOID = new Set(['br', 'hr', 'img', 'col', 'wbr']);

const SIZE = /^\d{1,4}(?:\.\d+)?(?:px|pt|em|%)?$/i;
const COLOR = /^(?:#[0-9a-f]{3,8}|[a-z]{3,25}|rgba?\([\d\s.,%]{1,40}\))$/i;
const WORD = /^[a-z]{1,20}$/i;
const NUMBER = /^\d{1,4}$/;
const FACE = /^[\p{L}\p{N} ,'"._-]{1,200}$/u;

/** Attributes by element (`*`: any) and what their values must look like. */
export const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  '*': { dir: /^(?:ltr|rtl|auto)$/i, lang: /^[a-z0-9-]{1,35}$/i, align: WORD, valign: WORD, width: SIZE, height: SIZE, bgcolor: COLOR },
  table: { border: NUMBER, cellpadding: NUMBER, cellspacing: NUMBER },
  td: { colspan: NUMBER, rowspan: NUMBER, nowrap: /^(?:nowrap)?$/i },
  th: { colspan: NUMBER, rowspan: NUMBER, nowrap: /^(?:nowrap)?$/i },
  col: { span: NUMBER },
  colgroup: { span: NUMBER },
  ol: { start: NUMBER, type: /^[1aAiI]$/ },
  ul: { type: WORD },
  li: { value: NUMBER },
  font: { color: COLOR, face: FACE, size: /^[+-]?\d{1,2}$/ },
  blockquote: { type: /^cite$/i },
}; // prettier-ignore

const LENGTHS =
  /^(?:(?:\d{1,4}(?:\.\d+)?|\.\d+)(?:px|pt|em|rem|ex|cm|mm|in|%)?|auto|normal|none|inherit|thin|medium|thick)(?:\s+(?:(?:\d{1,4}(?:\.\d+)?|\.\d+)(?:px|pt|em|rem|ex|cm|mm|in|%)?|auto)){0,3}$/i;
const EDGE = '(?:\\d{1,4}(?:\\.\\d{1,4})?(?:px|pt|em)?|#[0-9a-f]{3,8}|[a-z]{3,20}|rgba?\\([\\d\\s.,%]{1,40}\\))';
const BORDER = new RegExp(`^${EDGE}(?:\\s+${EDGE}){0,11}$`, 'i');
const WORDS = /^[a-z -]{1,60}$/i;

/** Properties of styles and what their values must look like: nothing that loads, moves over other things, or computes. */
export const STYLES: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/^(?:background-)?color$/, COLOR],
  [/^background$/, COLOR],
  [/^font-family$/, FACE],
  [/^(?:font-size|line-height|letter-spacing|text-indent|(?:max-|min-)?width|(?:max-|min-)?height|border-spacing|border-radius)$/, LENGTHS],
  [/^(?:margin|padding)(?:-(?:top|right|bottom|left))?$/, LENGTHS],
  [/^border(?:-(?:top|right|bottom|left))?(?:-(?:width|style|color))?$/, BORDER],
  [/^(?:border-collapse|caption-side|direction|empty-cells|font-style|font-variant|list-style-type|table-layout|text-align|text-decoration|text-transform|vertical-align|white-space|word-break|word-wrap|overflow-wrap)$/, WORDS],
  [/^font-weight$/, /^(?:[1-9]00|[a-z]{4,8})$/i],
]; // prettier-ignore
