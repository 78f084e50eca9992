import { ATTRIBUTES, DROPPED, KEPT, STYLES, VOID } from './allowed.js';
import { isHidden } from './dialect.js';
import { isElement, type Element, type Node } from './tree.js';

const LONGEST_URL = 4_096;
const LONGEST_DATA = 30_000;
const PICTURE_DATA = /^data:image\/(?:png|gif|jpe?g|webp);base64,[a-z0-9+/=\s]+$/i;

export interface SafeHtml {
  readonly html: string;
  /** Something that could be seen or could act was left out or held back: who needs it finds it in the original. */
  readonly changed: boolean;
}

/**
 * Writes html anew from a tree: only elements, attributes and values that are on the list, each text and value escaped, so that no
 * reading of the result can make anything else of it. Images:
 *
 * - `<img src="cid:ID">` refers to the media part of the message with the contentId `ID`;
 * - remote ones are held back: `<img data-src="https://...">` has no `src`. A program that shows mail may put the address back when
 *   its reader asks for the images of this mail, best through a proxy of its own: whoever wrote the mail learns when it was read;
 * - small ones that stand in the html itself (`data:`) stay.
 */
export function safeHtml(root: Element, removed: (node: Node) => boolean = () => false): SafeHtml {
  const writer = new Writer(removed);
  return { html: writer.children(root).trim(), changed: writer.changed };
}

class Writer {
  changed = false;

  constructor(private readonly removed: (node: Node) => boolean) {}

  children(element: Element): string {
    return element.children.map((child) => (isElement(child) ? this.#element(child) : this.#text(child))).join('');
  }

  #text(node: Exclude<Node, Element>): string {
    return this.removed(node) ? '' : escapeText(node.text);
  }

  #element(element: Element): string {
    const { tag } = element;
    if (DROPPED.has(tag) || isHidden(element)) return this.#dropped(element);
    if (this.removed(element)) return '';
    if (Object.keys(element.attributes).some((name) => name.startsWith('on'))) this.changed = true;
    if (tag === 'img') return this.#image(element);
    if (VOID.has(tag)) return `<${tag}${this.#attributes(element)}>`;
    const inner = this.children(element);
    if (inner === '' && element.children.length > 0) return '';
    return KEPT.has(tag) ? `<${tag}${this.#attributes(element)}>${inner}</${tag}>` : inner;
  }

  #dropped({ tag, children }: Element): string {
    this.changed ||= !['head', 'style', 'title', 'meta', 'link', 'base'].includes(tag) && (children.length > 0 || tag !== 'span');
    return '';
  } // prettier-ignore

  #image({ attributes }: Element): string {
    const src = (attributes['src'] ?? attributes['data-src'] ?? '').trim();
    const shown = this.#listed('img', attributes) + attribute('alt', attributes['alt']?.slice(0, 500));
    const style = styleAttribute(attributes['style']);
    if (/^cid:[^\s"'<>]{1,400}$/i.test(src)) return `<img${attribute('src', `cid:${decodeId(src.slice(4))}`)}${shown}${style}>`;
    if (src.length <= LONGEST_DATA && PICTURE_DATA.test(src)) return `<img${attribute('src', src.replace(/\s/g, ''))}${shown}${style}>`;
    this.changed = true;
    const remote = webUrl(src.startsWith('//') ? `https:${src}` : src);
    return remote && /^https?:/i.test(remote) ? `<img${attribute('data-src', remote)}${shown}${style}>` : '';
  } // prettier-ignore

  #attributes({ tag, attributes }: Element): string {
    const link = tag === 'a' ? this.#link(attributes['href']) : '';
    return `${link}${this.#listed(tag, attributes)}${styleAttribute(attributes['style'])}`;
  }

  #link(href: string | undefined): string {
    if (href === undefined) return '';
    const url = webUrl(href);
    if (url === undefined) this.changed ||= !href.startsWith('#');
    return url === undefined ? '' : `${attribute('href', url)} target="_blank" rel="noopener noreferrer nofollow"`;
  }

  #listed(tag: string, attributes: Element['attributes']): string {
    const rules = Object.entries({ ...ATTRIBUTES['*'], ...ATTRIBUTES[tag] });
    return rules
      .filter(([name, pattern]) => Object.hasOwn(attributes, name) && pattern.test(attributes[name]!.trim()))
      .map(([name]) => attribute(name, attributes[name]!.trim()))
      .join('');
  }
}

/** The address of a link that may be followed; undefined for any other. */
function webUrl(text: string): string | undefined {
  // Browsers pass over controls and white space in a scheme.
   
  const url = text.replace(/[\x00-\x20\x7f\u00a0\u200b-\u200f\u2028-\u202e\ufeff]+/g, (run) => (/^ +$/.test(run) ? '%20' : '')).replace(/^(?:%20)+|(?:%20)+$/g, '');
  if (url.length > LONGEST_URL || !/^(?:https?:\/\/|mailto:|tel:)/i.test(url)) return undefined;
  return URL.canParse(url) ? url : undefined;
} // prettier-ignore

function styleAttribute(style: string | undefined): string {
  if (!style || style.length > 5_000) return '';
  const kept: string[] = [];
  for (const declaration of style.split(';')) {
    const colon = declaration.indexOf(':');
    const name = declaration.slice(0, colon).trim().toLowerCase();
    const value = declaration.slice(colon + 1).replace(/!important/i, '').trim(); // prettier-ignore
    const rule = STYLES.find(([pattern]) => pattern.test(name));
    if (value.length <= 200 && rule?.[1].test(value)) kept.push(`${name}:${value}`);
  }
  return kept.length === 0 ? '' : attribute('style', kept.join(';'));
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id).replace(/[\s<>]/g, '');
  } catch {
    return id;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
  '\u00a0': '&nbsp;',
};
const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${value.replace(/[&<>"'`\u00a0]/g, (character) => ENTITIES[character]!)}"`;
const escapeText = (text: string): string => text.replace(/[&<>\u00a0]/g, (character) => ENTITIES[character]!);
