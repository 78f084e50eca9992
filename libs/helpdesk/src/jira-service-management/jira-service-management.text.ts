// Comments are documents (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/), whose text is text whatever it looks like. A comment that
// brings files takes wiki markup alone, where signs need a backslash to be text.

const URLS = /(https?:\/\/[^\s<>"']+)/;

interface Node {
  readonly type: string;
  readonly text?: string;
  readonly content?: readonly Node[];
  readonly marks?: readonly unknown[];
}

/** Text as a document: a paragraph, its lines kept, addresses as links. */
export function document(text: string): Node & { readonly version: 1 } {
  const content = text.split('\n').flatMap((line, n) => [...(n > 0 ? [{ type: 'hardBreak' }] : []), ...inline(line)]);
  return { type: 'doc', version: 1, content: [{ type: 'paragraph', content }] };
}

function inline(line: string): Node[] {
  return line
    .split(URLS)
    .filter((piece) => piece !== '')
    .map((text) => ({
      ...{ type: 'text', text },
      ...(URLS.test(text) && { marks: [{ type: 'link', attrs: { href: text } }] }),
    }));
}

/** All that a document says; lines of a quote begin with `>`. */
export function textOf(node: unknown): string {
  if (typeof node === 'string') return node;
  const { type, text = '', content = [] } = (node ?? {}) as Partial<Node>;
  if (type === 'hardBreak') return '\n';
  const said = text + content.map(textOf).join('');
  if (type === 'blockquote') return said.replace(/^(?=.)/gm, '> ');
  return said + (type === 'paragraph' ? '\n' : '');
}

/** What wiki markup takes for an address, without what would be markup right behind it. */
const WIKI_URLS = /(https?:\/\/[\w.~:/?#@%&=+$,;-]+)/;
/** Parts what would be markup together; nobody sees it. */
const APART = '\u200b';

/**
 * Text as wiki markup that shows it letter by letter, addresses as links. A backslash makes a sign text that is one of those which Jira escapes
 * (`BackslashEscapeRendererComponent`, as `@atlaskit/editor-wikimarkup-transformer` has it), and is shown before any other; two of them break the line.
 */
export function wiki(text: string): string {
  return text
    .split(WIKI_URLS)
    .map((piece) => (WIKI_URLS.test(piece) ? piece : literal(piece)))
    .join('')
    .replace(/^(\s*)(h[1-6]|bq)\./gm, `$1$2${APART}.`);
}

function literal(text: string): string {
  return text
    .replace(/&(?=#?\w+;)/g, `&${APART}`)
    .replace(/\\/g, `\\${APART}`)
    .replace(/[-#*_+?^~|%{}[\]()!@]/g, '\\$&')
    .replace(/([:;])(?=[DPp])/g, `$1${APART}`);
}
