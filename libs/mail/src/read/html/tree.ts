import { Parser } from 'htmlparser2';

export interface TextNode {
  readonly text: string;
}

export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Node[];
}

export type Node = TextNode | Element;
export const isElement = (node: Node): node is Element => 'tag' in node;

/** Deeper elements are put beside each other; more of them are left out, which the caller is told. */
const MOST_DEPTH = 200;
const MOST_NODES = 200_000;
/** No honest mail goes that deep, and the parser's time grows with the square of it: what follows is left out. */
const ABYSS = 1_000;
const SLICE = 16_384;

/** Reads html leniently into a tree of bounded depth and size. Comments, doctypes and what programs hide in them are gone. */
export function parseHtml(html: string): { readonly root: Element; readonly whole: boolean } {
  const root: Element = { tag: '#root', attributes: {}, children: [] };
  const open: Element[] = [root];
  let nodes = 0;
  let whole = true;
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        nodes += 1;
        whole &&= nodes < MOST_NODES;
        const element: Element = { tag, attributes, children: [] };
        if (nodes < MOST_NODES) open[Math.min(open.length, MOST_DEPTH) - 1]!.children.push(element);
        open.push(element);
      },
      ontext(text) {
        nodes += 1;
        whole &&= nodes < MOST_NODES;
        if (nodes < MOST_NODES) open[Math.min(open.length, MOST_DEPTH) - 1]!.children.push({ text });
      },
      onclosetag() {
        if (open.length > 1) open.pop();
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  for (let at = 0; at < html.length && open.length < ABYSS; at += SLICE) {
    parser.write(html.slice(at, at + SLICE));
    whole &&= open.length < ABYSS;
  }
  parser.end();
  return { root, whole };
}
