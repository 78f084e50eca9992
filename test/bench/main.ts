// npm run bench [-- <name>...] [--seconds 3] [--rounds 3] [--size smoke|default|large] [--json FILE] [--markdown FILE]
//   --only REGEXP: the parts of a bench (by title; of trouble: down, refused); --servers REGEXP: the servers by their names
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchChat } from './chat.js';
import { benchDrain } from './drain.js';
import { benchGrowth } from './growth.js';
import { benchIntake } from './intake.js';
import { benchLatency } from './latency.js';
import { benchOutbound } from './outbound.js';
import { stopEverything } from './parts/cleanup.js';
import { describeMachine } from './parts/machine.js';
import { asMarkdown, asText } from './parts/print.js';
import { benchStatements } from './statements.js';
import { benchTrouble } from './trouble.js';
import { benchProcesses } from './processes.js';
import type { Report } from './parts/report.js';
import type { BenchOptions } from './parts/rounds.js';

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
const options: BenchOptions = {
  seconds: Number(values.seconds ?? (smoke ? 0.3 : 3)),
  rounds: Number(values.rounds ?? (smoke ? 1 : 3)),
  size: values.size as BenchOptions['size'],
  only: (title) => new RegExp(values.only).test(title),
  servers: (name) => new RegExp(values.servers).test(name),
};
try {
  const machine = { ...(await describeMachine()), ...options };
  process.stdout.write(`${JSON.stringify(machine, null, 2)}\n\n`);
  const reports: Record<string, Report> = {};
  for (const name of names) {
    process.stderr.write(`${new Date().toISOString()} ${name}\n`);
    reports[name] = await BENCHES[name]!(options);
    process.stdout.write(`${asText(name, reports[name])}\n`);
  }
  if (values.json) await writeFile(values.json, JSON.stringify({ machine, reports }, null, 2));
  if (values.markdown) await writeFile(values.markdown, asMarkdown(machine, reports));
} finally {
  await stopEverything();
}
process.exit(0);
