import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node, type Scalar } from 'yaml';
import type { Problem } from './problem.js';
import { keyText } from './problem.js';

type Path = readonly PropertyKey[];

/** A settings file as data, with the line of every key. */
export class YamlSource {
  private readonly lines = new LineCounter();
  private readonly document: Document;
  /** Keys whose value holds something from the environment: such a value is text, and may stand for a number or truth value. */
  private readonly interpolated = new Set<string>();
  readonly problems: Problem[] = [];

  /** Reads YAML 1.2 and puts the environment in for `${NAME}` in values; `$${` stands for `${`. Faults are in `problems`. */
  constructor(text: string, env: NodeJS.ProcessEnv) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, uniqueKeys: true });
    for (const error of this.document.errors) {
      const message = error.message.replace(/\s+/g, ' ');
      this.problems.push({
        key: '',
        line: this.lines.linePos(error.pos[0]).line,
        expected: `no valid YAML here: ${message}`,
      });
    }
    if (this.problems.length === 0) this.interpolate(env);
  }

  data(): unknown {
    return this.document.toJS({ maxAliasCount: 100 }) as unknown;
  }

  /** The line of the value at this path; of the nearest thing around it where there is none. */
  line(path: Path): number {
    let node: Node | null = this.document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const key of path) {
      const pair: { offset: number | undefined; node: Node | null } | null = step(node, key);
      if (!pair) break;
      offset = pair.offset ?? offset;
      node = pair.node;
    }
    return this.lines.linePos(offset).line || 1;
  }

  /** The text at this path where it came from the environment. */
  fromEnvironment(path: Path): boolean {
    return this.interpolated.has(keyText(path));
  }

  private interpolate(env: NodeJS.ProcessEnv): void {
    const { problems, lines, interpolated } = this;
    visit(this.document, {
      Scalar(key, node: Scalar, ancestors) {
        if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
        const path = pathOf(node, ancestors as readonly Node[]);
        node.value = node.value.replace(/\$\$\{|\$\{([^}]*)\}?/g, (match: string, name?: string) => {
          if (match === '$${') return '${';
          const problem = (expected: string) => {
            problems.push({ key: keyText(path), line: lines.linePos(node.range?.[0] ?? 0).line, expected });
            return '';
          };
          if (!match.endsWith('}') || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name ?? '')) {
            return problem('expected the name of an environment variable between ${ and }; write $${ for a literal ${');
          }
          interpolated.add(keyText(path));
          return env[name!] || problem(`the environment variable ${name} is not set`);
        });
      },
    });
  }
}

function step(node: Node | null, key: PropertyKey): { offset: number | undefined; node: Node | null } | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    return pair ? { offset: (pair.key as Scalar).range?.[0], node: pair.value as Node | null } : null;
  }
  const item = isSeq(node) ? (node.items[Number(key)] as Node | undefined) : undefined;
  return item ? { offset: item.range?.[0], node: item } : null;
}

function pathOf(leaf: Node, ancestors: readonly unknown[]): PropertyKey[] {
  const chain = [...ancestors, leaf];
  return chain.flatMap((node, i): PropertyKey[] => {
    const child = chain[i + 1];
    if (isSeq(node)) return [node.items.indexOf(child as Node)];
    const pair = node as { key?: unknown; value?: unknown };
    return isScalar(pair.key) && 'value' in pair && pair.value === child ? [String(pair.key.value)] : [];
  });
}
