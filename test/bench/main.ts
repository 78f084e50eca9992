// npm run bench [-- <name>...] [--seconds 2] [--rounds 3] [--size smoke|default|large] [--json FILE] [--markdown FILE]
//   --only REGEXP: the parts of a bench (by title; of trouble: down, refused); --servers REGEXP: the servers by their names
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchChat } from './chat.js';
import { benchDrain } from './drain.js';
import { benchGrowth } from './growth.js';
import { benchIntake } from './intake.js';
import { benchLatency } from './latency.js';
import { benchMail } from './mail.js';
import { benchOutbound } from './outbound.js';
import { stopEverything } from './parts/cleanup.js';
import { describeMachine } from './parts/machine.js';
import { shareOneServer } from './parts/postgres.js';
import { asMarkdown, asText } from './parts/print.js';
import type { Report } from './parts/report.js';
import type { BenchOptions } from './parts/rounds.js';
import { benchProcesses } from './processes.js';
import { benchStatements } from './statements.js';
import { benchText } from './text.js';
import { benchTrouble } from './trouble.js';

const BENCHES: Record<string, (options: BenchOptions) => Promise<Report>> = {
  intake: benchIntake,
  latency: benchLatency,
  drain: benchDrain,
  statements: benchStatements,
  outbound: benchOutbound,
  chat: benchChat,
  trouble: benchTrouble,
  growth: benchGrowth,
  processes: benchProcesses,
  text: benchText,
  mail: benchMail,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    size: { type: 'string', default: 'default' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    only: { type: 'string', default: '' },
    servers: { type: 'string', default: '' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.find((name) => !BENCHES[name]);
if (unknown || !['smoke', 'default', 'large'].includes(values.size)) {
  process.stderr.write(`there is no ${unknown ? `bench ${unknown}` : `size ${values.size}`}; `);
  process.stderr.write(`benches: ${Object.keys(BENCHES).join(', ')}; sizes: smoke, default, large\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopEverything().finally(() => process.exit(130)));
}

const smoke = values.size === 'smoke';
const settings = {
  seconds: Number(values.seconds ?? (smoke ? 0.3 : 2)),
  rounds: Number(values.rounds ?? (smoke ? 1 : 3)),
  size: values.size as BenchOptions['size'],
};
const options: BenchOptions = {
  ...settings,
  only: (title) => new RegExp(values.only).test(title),
  servers: (name) => new RegExp(values.servers).test(name),
};
const reports: Record<string, Report> = {};

/** A bench that fails says so in its report, and the others go on. */
async function run(name: string): Promise<Report> {
  try {
    return await BENCHES[name]!(options);
  } catch (error) {
    process.exitCode = 1;
    return { tables: [], goals: [], skipped: [`it failed: ${error instanceof Error ? error.stack : String(error)}`] };
  }
}

try {
  const machine = { ...(await describeMachine()), ...settings };
  process.stdout.write(`${JSON.stringify(machine, null, 2)}\n\n`);
  for (const name of names) {
    process.stderr.write(`${new Date().toISOString()} ${name}\n`);
    if (smoke) shareOneServer();
    reports[name] = await run(name);
    await stopEverything();
    process.stdout.write(`${asText(name, reports[name])}\n`);
    if (values.json) await writeFile(values.json, JSON.stringify({ machine, reports }, null, 2));
    if (values.markdown) await writeFile(values.markdown, asMarkdown(machine, reports));
  }
} finally {
  await stopEverything();
}
process.exit();
