import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const LOADER = new URL('./typescript.mjs', import.meta.url).href;

/** A process of its own that runs one of our TypeScript sources, for tests that kill it. */
export interface TypeScriptProcess {
  readonly pid: number;
  /** Its lines so far. */
  readonly lines: readonly string[];
  /** Resolves when it has written a line that passes; throws what it complained about when it ends before. */
  until(passes: (line: string) => boolean): Promise<void>;
  /** Ends it and its own children as a power cut would. */
  kill(): Promise<void>;
  /** Resolves with its exit code and what it wrote to the error stream. */
  ended(): Promise<{ readonly code: number | null; readonly complaint: string }>;
}

export function startTypeScript(source: URL, ...args: string[]): TypeScriptProcess {
  const command = ['--import', LOADER, fileURLToPath(source), ...args];
  const child = spawn(process.execPath, command, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let complaint = '';
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, complaint }));
  return {
    pid: child.pid!,
    lines,
    until: (passes) => watch(child, lines, passes),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
      await ended;
    },
    ended: () => ended,
  };
}

async function watch(child: Child, lines: readonly string[], passes: (line: string) => boolean): Promise<void> {
  let complaint = '';
  const complain = (text: Buffer): unknown => (complaint += text.toString());
  child.stderr.on('data', complain);
  for (let seen = 0; ;) {
    while (seen < lines.length) if (passes(lines[seen++]!)) return void child.stderr.off('data', complain);
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the process ended: ${complaint}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;
