import type { Line } from '../quotes/cut.js';
import { beginsHistory, isHidden, isQuote, isSignature, isSignatureRule } from './dialect.js';
import { DROPPED } from './allowed.js';
import { isElement, type Element, type Node } from './tree.js';

/** Stands for an image of the mail itself in a line: a line that has one is not empty. */
export const PICTURE = '\uFFFC';
const BLOCKS = new Set(
  'address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header html li main nav ol p pre section sign summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
);
const LONGEST_LINK = 300;

/** The lines of html as they are seen, and on which of them each text, picture, rule and line end stands. */
export interface HtmlLines {
  readonly lines: readonly Line[];
  readonly lineOf: ReadonlyMap<Node, number>;
}

interface Around {
  readonly depth: number;
  readonly signature: boolean;
  readonly pre: boolean;
}

/** Lays html out in lines, as a reader without styles would. */
export function linesOf(root: Element): HtmlLines {
  const layout = new Layout();
  layout.walk(root, { depth: 0, signature: false, pre: false });
  layout.endLine();
  return { lines: layout.lines, lineOf: layout.lineOf };
}

class Layout {
  readonly lines: Line[] = [];
  readonly lineOf = new Map<Node, number>();
  #text = '';
  #around: Around | undefined;
  #leaves = 0;
  /** Everything from here on is history. */
  #rest = false;

  walk(element: Element, around: Around): void {
    for (const child of element.children) {
      if (!isElement(child)) this.#say(child, child.text, around);
      else if (!DROPPED.has(child.tag) && !isHidden(child)) this.#enter(child, around);
    }
  }

  endLine(): void {
    const { depth, signature } = this.#around ?? { depth: 0, signature: false };
    const text = this.#text.replace(/[ \t\u00a0]+/g, ' ').trim();
    this.lines.push({ text, depth, cited: depth > 0, signature });
    this.#text = '';
    this.#around = undefined;
    this.#leaves = 0;
  }

  #enter(element: Element, around: Around): void {
    const { tag } = element;
    const block = BLOCKS.has(tag);
    if (block) this.#newLine();
    if (beginsHistory(element)) this.#rest = true;
    if (tag === 'br') return this.#break(element, around);
    if (tag === 'hr') return this.#rule(element, around);
    if (tag === 'img') return this.#picture(element, around);
    if (tag === 'p' && isSpaced(element) && this.lines.at(-1)?.text) this.lines.push({ ...this.lines.at(-1)!, text: '' });
    if (tag === 'li') this.#text += '- ';
    if ((tag === 'td' || tag === 'th') && this.#text !== '') this.#text += ' ';
    this.walk(element, {
      depth: around.depth + (isQuote(element) ? 1 : 0),
      signature: around.signature || isSignature(element),
      pre: around.pre || tag === 'pre',
    });
    if (tag === 'a') this.#link(element);
    if (block) this.#newLine();
  } // prettier-ignore

  #say(node: Node, text: string, around: Around): void {
    if (around.pre) {
      text.split('\n').forEach((line, i) => {
        if (i > 0) this.endLine();
        this.#add(node, line, around);
      });
    } else this.#add(node, text.replace(/[ \t\r\n\f]+/g, ' '), around);
  }

  #add(node: Node, text: string, around: Around): void {
    const solid = /\S/.test(text);
    if (!this.#around || (solid && !/\S/.test(this.#text))) this.#around = this.#placed(around);
    this.#text += text;
    this.#leaves += 1;
    if (!this.lineOf.has(node)) this.lineOf.set(node, this.lines.length);
  }

  #placed(around: Around): Around {
    return this.#rest ? { ...around, depth: around.depth + 1 } : around;
  }

  #break(element: Element, around: Around): void {
    this.#add(element, '', around);
    this.endLine();
  }

  #rule(element: Element, around: Around): void {
    this.#newLine();
    this.#add(element, isSignatureRule(element) ? '-- ' : '', around);
    this.endLine();
  }

  #picture(element: Element, around: Around): void {
    const own = /^\s*(?:cid|data):/i.test(element.attributes['src'] ?? '');
    this.#add(element, own ? PICTURE : '', around);
  }

  #link({ attributes }: Element): void {
    const href = (attributes['href'] ?? '').trim();
    if (!/^https?:\/\//i.test(href) || href.length > LONGEST_LINK || !/\S/.test(this.#text)) return;
    const bare = href.replace(/^https?:\/\/(?:www\.)?|\/$/gi, '');
    if (!this.#text.includes(bare)) this.#text += ` <${href}>`;
  }

  #newLine(): void {
    if (/[^\s\u00a0]/.test(this.#text) || this.#text.includes('\u00a0')) this.endLine();
    else this.#text = '';
  }
}

/** Paragraphs have an empty line between them, unless they say that they have none, as those of Word do. */
function isSpaced({ attributes }: Element): boolean {
  return !/mso/i.test(attributes['class'] ?? '') && !/margin(?:-top|-bottom)?\s*:\s*0/i.test(attributes['style'] ?? '');
}
