import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { emptyFolder, removeFolder } from '../support/index.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const COPIED = [
  'package.json',
  'tsconfig.json',
  'jest.config.js',
  '.prettierrc.json',
  'libs',
  'scripts',
  'config',
  'docs/pigeon',
];

/** What a run of a command said. */
export interface Said {
  readonly code: number | null;
  readonly output: string;
}

/** What a test said that did not pass. */
export interface Failed {
  readonly file: string;
  readonly name: string;
  readonly message: string;
}

/** A fresh copy of the repository, as far as channels and connectors need it, to write into. */
export class Checkout {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Checkout> {
    const folder = await emptyFolder();
    for (const path of COPIED) await cp(join(ROOT, path), join(folder, path), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const empty of ['apps', 'test']) await mkdir(join(folder, empty));
    return new Checkout(folder);
  }

  remove(): Promise<void> {
    return removeFolder(this.folder);
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  /** Runs a command of Node in the copy. */
  node(...args: string[]): Promise<Said> {
    return run(process.execPath, args, this.folder);
  }

  /** What the compiler says of these paths and what they import; empty where nothing is wrong. */
  async compile(...include: string[]): Promise<string> {
    const project = { extends: './tsconfig.json', compilerOptions: { noEmit: true, incremental: false }, include };
    await this.write({ 'tsconfig.kit.json': JSON.stringify(project) });
    return (await this.node('node_modules/ts7/bin/tsc', '-p', 'tsconfig.kit.json')).output;
  }

  /** Runs the tests below these paths; resolves with those that failed, and how many there were. */
  async test(...paths: string[]): Promise<{ total: number; failed: Failed[] }> {
    const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
    const said = await this.node(...jest, '--json', '--outputFile=report.json', '-w', '1', ...paths);
    const report = JSON.parse(
      await this.read('report.json').catch(() => Promise.reject(new Error(said.output))),
    ) as Report;
    const failed = report.testResults.flatMap(({ name, message, assertionResults }) =>
      assertionResults.length === 0
        ? [{ file: name, name: 'it runs', message }]
        : assertionResults
            .filter(({ status }) => status !== 'passed')
            .map(({ fullName, failureMessages }) => ({
              file: name,
              name: fullName,
              message: failureMessages.join('\n'),
            })),
    );
    return { total: report.numTotalTests, failed };
  }
}

interface Report {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs a command to its end; its output is both streams. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Said> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(JEST_|NODE_OPTIONS$|NODE_ENV$|npm_)/.test(name)),
  );
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    child.once('close', (code) => resolve({ code, output }));
  });
}
