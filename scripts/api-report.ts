import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** The doors of the kit by the names under which a package imports them, as built. */
const DOORS = (JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, string> }).exports;

/** Every report by its path: what the doors of the kit export, and every type of ours that those mention. Made from what was built. */
export function apiReports(): Record<string, string> {
  const doors = Object.entries(DOORS).filter(([name]) => name.includes('-kit'));
  const entries = doors.map(([, path]) => path.replace(/\.js$/, '.d.ts'));
  const missing = entries.find((path) => !existsSync(path));
  if (missing) throw new Error(`${missing} is not built: npm run build`);
  const program = ts.createProgram(entries, { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, skipLibCheck: true, types: ['node'] }); // prettier-ignore
  const reports = doors.map(([name], i) => {
    const title = name.slice(2);
    return [
      `docs/kit/api/${title.replace('/', '-')}.api.md`,
      page(
        title,
        surface(
          program,
          entries[i]!,
          entries.filter((_, j) => kitOf(doors[j]![0]) === kitOf(name)),
        ),
      ),
    ] as const;
  });
  return Object.fromEntries(reports);
}

function page(title: string, { exported, mentioned }: Surface): string {
  return [
    `# tributary/${title}`,
    '',
    'Written by `npm run docs`. A test fails while it differs from the sources: what changes here is a change for every package, by the rules of [versions](../versions.md).',
    '',
    '```ts',
    ...exported,
    '```',
    '',
    ...(mentioned.length > 0 ? ['## Mentioned, and not exported', '', '```ts', ...mentioned, '```', ''] : []),
  ].join('\n');
}

const kitOf = (name: string) => name.split('/')[1];

interface Surface {
  readonly exported: readonly string[];
  readonly mentioned: readonly string[];
}

/** `related`: the doors of the same kit, whose exports need not be told again. */
function surface(program: ts.Program, entry: string, related: readonly string[]): Surface {
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const named = (path: string) =>
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)!)!);
  const exportsOf = (path: string) => named(path).map(resolved);
  const exported = exportsOf(entry);
  const elsewhere = new Set(related.flatMap(exportsOf));
  const known = new Set(exported);
  for (const symbol of known) for (const other of mentions(symbol, { checker, resolved })) known.add(other);
  const texts = (symbols: readonly ts.Symbol[]) => symbols.filter(isOurs).flatMap(declared).sort();
  const foreign = named(entry).filter((symbol) => !isOurs(resolved(symbol)));
  const outside = foreign.map(({ name }) => `export { ${name} };`);
  return {
    exported: [...texts(exported), ...outside.sort()],
    mentioned: texts([...known].filter((symbol) => !elsewhere.has(symbol))),
  };
}

/** What of ours the declarations of a symbol name. */
function mentions(
  symbol: ts.Symbol,
  { checker, resolved }: { checker: ts.TypeChecker; resolved: (symbol: ts.Symbol) => ts.Symbol },
): ts.Symbol[] {
  if (!isOurs(symbol)) return [];
  const found: ts.Symbol[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const named = checker.getSymbolAtLocation(node);
      const target = named && resolved(named);
      if (target && isOurs(target) && isTopLevel(target)) found.push(target);
    }
    ts.forEachChild(node, walk);
  };
  symbol.declarations?.forEach(walk);
  return found;
}

const isOurs = ({ declarations = [] }: ts.Symbol): boolean =>
  declarations.some((one) => one.getSourceFile().fileName.includes('dist/libs/'));

const isTopLevel = ({ declarations = [] }: ts.Symbol): boolean =>
  declarations.some((one) => {
    const statement = ts.isVariableDeclaration(one) ? one.parent.parent : one;
    return ts.isSourceFile(statement.parent);
  });

const printer = ts.createPrinter({ removeComments: true });

function declared({ declarations = [] }: ts.Symbol): string[] {
  return declarations.map((one) => {
    const statement = ts.isVariableDeclaration(one) ? one.parent.parent : one;
    return printer
      .printNode(ts.EmitHint.Unspecified, statement, one.getSourceFile())
      .replace(/^export declare /, 'export ');
  });
}
