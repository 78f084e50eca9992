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

/** All that a document says. */
export function textOf(node: unknown): string {
  if (typeof node === 'string') return node;
  const { type, text = '', content = [] } = (node ?? {}) as Partial<Node>;
  if (type === 'hardBreak') return '\n';
  return text + content.map(textOf).join('') + (type === 'paragraph' ? '\n' : '');
}

/** Text as wiki markup that shows it letter by letter, addresses as links. */
export function wiki(text: string): string {
  return text
    .split(URLS)
    .map((piece) => (URLS.test(piece) ? piece : piece.replace(/[\\{}[\]*_+^~?!|#@&:(-]/g, '\\$&')))
    .join('');
}
