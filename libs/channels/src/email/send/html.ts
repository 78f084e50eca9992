import { Parser } from 'htmlparser2';

const TAGS = new Set(
  (
    'a abbr b blockquote br caption center code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins li ol p pre q s ' +
    'small span strike strong sub sup table tbody td tfoot th thead tr u ul'
  ).split(' '),
);
const VOID = new Set(['br', 'col', 'hr', 'img']);
/** What is within these is no text. */
const DROPPED = new Set(
  (
    'script style head title iframe frame frameset noframes object embed applet noscript noembed template textarea select svg math xmp ' +
    'plaintext audio video canvas'
  ).split(' '),
);
const BLOCKS = new Set('blockquote br dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul'.split(' '));

const EVERYWHERE = ['dir', 'lang', 'title', 'align', 'style'];
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  img: ['src', 'alt', 'width', 'height'],
  font: ['color', 'size', 'face'],
  ol: ['start', 'type'],
  table: ['border', 'cellpadding', 'cellspacing', 'width', 'bgcolor'],
  td: ['colspan', 'rowspan', 'width', 'height', 'valign', 'bgcolor'],
  th: ['colspan', 'rowspan', 'width', 'height', 'valign', 'bgcolor'],
  col: ['span', 'width'],
};
const STYLES =
  /^(?:color|background-color|font-(?:size|weight|style|family)|text-(?:align|decoration|indent)|line-height|white-space|vertical-align|list-style-type|(?:max-)?(?:width|height)|(?:margin|padding|border)(?:-(?:top|right|bottom|left))?(?:-(?:width|style|color))?|border-(?:radius|collapse|spacing))$/;
const STYLE_VALUE = /^(?:[\w\s#.,%'"+!-]|rgba?\([\d\s.,%]{1,40}\)){1,200}$/;

/**
 * HTML that shows nothing but text, tables, links and pictures: everything is written anew from what a list allows, so that nothing else
 * can come through. Links go to http, https, mailto and tel; pictures come from http, https or, by `cid:`, from the mail itself where
 * `shown` has them. What is not allowed leaves its text, scripts and styles leave nothing.
 */
export function sanitize(html: string, shown: ReadonlySet<string>): string {
  let out = '';
  let dropped = 0;
  read(html, {
    open: (name, given) => {
      if (DROPPED.has(name)) dropped += 1;
      if (dropped > 0 || !TAGS.has(name)) return;
      const attributes = attributesOf(name, given, shown);
      if (name !== 'img' || attributes.some(([key]) => key === 'src')) out += tag(name, attributes);
      else out += escapeHtml(given['alt'] ?? '');
    },
    text: (text) => (out += dropped > 0 ? '' : escapeHtml(text)),
    close: (name) => {
      if (dropped === 0 && TAGS.has(name) && !VOID.has(name)) out += `</${name}>`;
      if (DROPPED.has(name)) dropped -= 1;
    },
  });
  return out;
}

/** The text of a piece of HTML, blocks on lines of their own. */
export function textOf(html: string): string {
  let out = '';
  let dropped = 0;
  const end = (name: string) => {
    if (BLOCKS.has(name) && dropped === 0) out += '\n';
  };
  read(html, {
    open: (name) => {
      if (DROPPED.has(name)) dropped += 1;
      end(name);
    },
    text: (text) => (out += dropped > 0 ? '' : text.replace(/\s+/g, ' ')),
    close: (name) => {
      if (DROPPED.has(name)) dropped -= 1;
      if (!VOID.has(name)) end(name);
    },
  });
  const lines = out.split('\n').map((line) => line.trim());
  return lines.filter((line, i) => line !== '' || (lines[i - 1] ?? '') !== '').join('\n').trim(); // prettier-ignore
}

/** Ids of the pictures that it shows from the mail itself. */
export function cidsIn(html: string): string[] {
  const found: string[] = [];
  read(html, {
    open: (name, { src }) => {
      const cid = name === 'img' ? cidOf(src ?? '') : undefined;
      if (cid !== undefined) found.push(cid);
    },
  });
  return found;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('\0', '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

interface Reader {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}

function read(html: string, { open, text, close }: Reader): void {
  const parser = new Parser(
    { onopentag: open, ontext: (said) => text?.(said), onclosetag: (name) => close?.(name) },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  parser.end(html);
}

function attributesOf(
  name: string,
  given: Readonly<Record<string, string>>,
  shown: ReadonlySet<string>,
): [string, string][] {
  return [...(ATTRIBUTES[name] ?? []), ...EVERYWHERE].flatMap((key): [string, string][] => {
    const value = Object.hasOwn(given, key) ? allowed(key, given[key] ?? '', shown) : undefined;
    return value === undefined ? [] : [[key, value]];
  });
}

function allowed(key: string, value: string, shown: ReadonlySet<string>): string | undefined {
  if (key === 'style') return styleOf(value);
  if (key === 'href') return addressOf(value, /^(?:https?:\/\/|mailto:|tel:)/i);
  if (key !== 'src') return value;
  const cid = cidOf(value);
  if (cid !== undefined) return shown.has(cid) ? `cid:${encodeURIComponent(cid).replaceAll('%40', '@')}` : undefined;
  return addressOf(value, /^https?:\/\//i);
}

/** Browsers drop what is invisible before they look at an address: so is it here. */
function addressOf(value: string, schemes: RegExp): string | undefined {
  const address = value.replace(/[\p{Cc}\p{Cf}\s]/gu, '');
  return schemes.test(address) ? address : undefined;
}

function styleOf(value: string): string | undefined {
  const kept = value.split(';').flatMap((declaration) => {
    const [, name = '', said = ''] = /^\s*([a-zA-Z-]{1,40})\s*:(.*)$/s.exec(declaration) ?? [];
    const [property, setting] = [name.toLowerCase(), said.trim()];
    return STYLES.test(property) && STYLE_VALUE.test(setting) ? [`${property}: ${setting}`] : [];
  });
  return kept.length === 0 ? undefined : kept.join('; ');
}

function cidOf(src: string): string | undefined {
  const [, cid] = /^\s*cid:(\S{1,500})\s*$/i.exec(src) ?? [];
  if (cid === undefined) return undefined;
  try {
    return decodeURIComponent(cid);
  } catch {
    return cid;
  }
}

function tag(name: string, attributes: readonly (readonly [string, string])[]): string {
  return `<${name}${attributes.map(([key, value]) => ` ${key}="${escapeHtml(value)}"`).join('')}>`;
}
