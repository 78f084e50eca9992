import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Api } from './api.js';
import { dataFolder, emptyFolder, removeFolder } from './folders.js';
import { until } from './until.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const GATEWAY = join(ROOT, 'dist', 'apps', 'gateway', 'src');
const ENTRY = join(GATEWAY, 'main.js');
const OURS = /^(DATABASE_URL|TEST_DATABASE_URL|DATA_DIR|PORT|HOST|PUBLIC_URL|LOG_LEVEL|TRIBUTARY_\w+|NODE_OPTIONS)$/;
const START_MS = 60_000;
/** Ends the process with the one that started it, however that ended: the pipe between them closes then. */
const LEASH = 'data:text/javascript,process.stdin.resume().on("close",()=>process.kill(process.pid,"SIGKILL")).unref()';
/** The same for a spare: it has loaded everything, and begins when it is told to. */
const SPARE = `data:text/javascript,const told=new Promise((go)=>process.stdin.on("data",go));
process.stdin.on("close",()=>process.kill(process.pid,"SIGKILL"));
await import("${pathToFileURL(join(GATEWAY, 'start.js')).href}");await told;process.stdin.unref()`;
/** Processes on one database need one secret key. */
const SHARED_KEY = 'the-secret-key-of-the-tests';

export interface GatewayOptions {
  /** The settings file, as an object, or as the text of the file. Loopback is on the allow list of an object. */
  readonly config?: Record<string, unknown> | string;
  readonly env?: Record<string, string>;
  /** A Postgres in place of the embedded database. */
  readonly databaseUrl?: string;
  /** A data folder that is kept; else a new one with an empty database in it. */
  readonly dataDir?: string;
  /** The entry of another installation than the one that is built here. */
  readonly entry?: string;
  /** The process after the next kill is kept ready beside: it starts in a third of the time. */
  readonly spare?: boolean;
}

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** Ends every process that this suite started, and removes their folders. For `afterAll`. */
export async function stopEverything(): Promise<void> {
  await Promise.all([...running].map((child) => end(child, 'SIGKILL')));
  await Promise.all([...folders].map(removeFolder));
  folders.clear();
}

/** The built gateway as a process of its own, started and ready. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await newGateway(options);
  await gateway.start();
  return gateway;
}

/** The same, not yet started. */
export async function newGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const folder = await emptyFolder();
  const dataDir = options.dataDir ?? (options.databaseUrl ? join(folder, 'data') : await dataFolder());
  folders.add(folder).add(dataDir);
  const gateway = new Gateway({ file: join(folder, 'tributary.yaml'), dataDir, options });
  await gateway.configure(options.config ?? {});
  return gateway;
}

interface GatewayParts {
  readonly file: string;
  readonly dataDir: string;
  readonly options: GatewayOptions;
}

export class Gateway {
  readonly adminKey = 'admin-key-of-the-tests-0123456789';
  readonly secretKey = 'secret-key-of-the-tests-0123456789';
  readonly api = new Api(this);
  /** The address of the running process; another one after each start. */
  url = '';
  private child: ChildProcess | undefined;
  private spare: ChildProcess | undefined;
  private said: string[] = [];

  constructor(private readonly parts: GatewayParts) {}

  get dataDir(): string {
    return this.parts.dataDir;
  }

  /** Everything that its processes wrote. */
  get output(): string {
    return this.said.join('');
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get alive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything that its processes wrote so far, to both streams. */
  get logs(): string {
    return this.said.join('');
  }

  /** The same since this was called last; then forgotten. */
  takeLogs(): string {
    return this.said.splice(0).join('');
  }

  /** Writes the settings file that the next start reads. JSON is YAML. */
  async configure(config: Record<string, unknown> | string): Promise<void> {
    const text =
      typeof config === 'string'
        ? config
        : JSON.stringify({ network: { allow: ['127.0.0.1/32'] }, ...config }, null, 2);
    await writeFile(this.parts.file, text);
  }

  /** Writes files beside the settings file. */
  async beside(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(dirname(this.parts.file), path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }

  /** Starts the process; resolves once it says that it is ready, throws what it said if it ends before. */
  async start(): Promise<void> {
    const child = this.spawn();
    const from = this.said.length;
    this.url = await until(
      'the printed address',
      () => {
        const said = this.said.slice(from).join('');
        if (!this.alive) return { failed: said };
        return /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      },
      START_MS,
    ).then((found) => {
      if (typeof found === 'string') return found;
      throw new Error(`the gateway ended (${child.exitCode ?? child.signalCode}) before it listened:\n${found.failed}`);
    });
    await until('readiness', async () => (await fetch(`${this.url}/health/ready`)).ok, START_MS);
    if (this.parts.options.spare) this.spare ??= this.launch();
  }

  /** Starts the process and waits for its end: for starts that are refused. */
  async startAndEnd(): Promise<Ended> {
    const from = this.said.length;
    const child = this.spawn();
    await new Promise((done) => child.once('close', done));
    return { code: child.exitCode, signal: child.signalCode, output: this.said.slice(from).join('') };
  }

  /** Starts the process, and kills it so many milliseconds later, wherever it is by then. */
  async startAndKill(afterMs: number): Promise<void> {
    this.spawn();
    await new Promise((done) => setTimeout(done, afterMs));
    await this.kill9();
  }

  /** Ends it as a power cut would; resolves when it is gone. */
  async kill9(): Promise<void> {
    if (this.child) await end(this.child, 'SIGKILL');
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<Ended> {
    const from = this.said.length;
    const child = this.child;
    if (child) await end(child, 'SIGTERM');
    return { code: child?.exitCode ?? null, signal: child?.signalCode ?? null, output: this.said.slice(from).join('') };
  }

  /** Ends it (by `kill9` unless it ended already) and starts it anew on the same data. */
  async restart(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  /** Sends a signal to the process, and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  private spawn(): ChildProcess {
    if (!existsSync(ENTRY)) throw new Error(`${ENTRY} is missing: run npm run build`);
    if (this.alive) throw new Error('it runs already');
    const child = this.spare ?? this.launch();
    this.spare = undefined;
    child.stdin?.write('go');
    return (this.child = child);
  }

  private launch(): ChildProcess {
    const { options, file, dataDir } = this.parts;
    const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name));
    const child = spawn(process.execPath, ['--import', options.spare ? SPARE : LEASH, options.entry ?? ENTRY], {
      cwd: ROOT,
      env: {
        ...Object.fromEntries(inherited),
        ...{
          TRIBUTARY_CONFIG: file,
          DATA_DIR: dataDir,
          PORT: '0',
          HOST: '127.0.0.1',
          TRIBUTARY_ADMIN_KEY: this.adminKey,
        },
        ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl, TRIBUTARY_SECRET_KEY: SHARED_KEY }),
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => this.said.push(text.toString()));
    child.stdin.on('error', () => {});
    return child;
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!running.has(child)) return;
  const gone = new Promise<void>((done) => child.once('close', () => done()));
  child.kill(signal);
  await gone;
}
