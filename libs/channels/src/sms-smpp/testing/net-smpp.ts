import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Why the message centre of another make cannot be started, or undefined where it can. */
export function netSmppMissing(): string | undefined {
  try {
    execFileSync('perl', ['-MNet::SMPP', '-e', '1'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no Net::SMPP; install the Debian package libnet-smpp-perl';
  }
}

export interface NetSmpp {
  readonly port: number;
  /** What it was told, as it tells it. */
  readonly told: Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startNetSmpp(): Promise<NetSmpp> {
  const child = spawn('perl', [fileURLToPath(new URL('./smsc.pl', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const lines = createInterface({ input: child.stdout });
  const told: Record<string, unknown>[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the message centre did not start')));
    lines.once('line', (line) => resolve(Number(line)));
  });
  lines.on('line', (line) => told.push(JSON.parse(line) as Record<string, unknown>));
  return {
    ...{ port, told },
    close: () =>
      new Promise((done) => {
        process.off('exit', orphaned);
        child.once('exit', () => done());
        child.kill('SIGKILL');
      }),
  };
}
