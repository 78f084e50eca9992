// npm run bench [-- intake] [--seconds 4] [--rounds 3] [--json FILE]
import { cpus, totalmem } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchIntake } from './intake.js';
import { type Row, table } from './report.js';

const BENCHES: Record<string, (options: { seconds: number; rounds: number }) => Promise<Row[]>> = {
  intake: benchIntake,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.find((name) => !BENCHES[name]);
if (unknown) {
  process.stderr.write(`there is no bench ${unknown}; there is: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

const options = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  ...options,
};
process.stdout.write(`${JSON.stringify(machine)}\n\n`);
const results: Record<string, Row[]> = {};
for (const name of names) {
  results[name] = await BENCHES[name]!(options);
  process.stdout.write(`${name}\n${table(results[name])}\n\n`);
}
const json = JSON.stringify({ machine, results }, null, 2);
if (values.json) await writeFile(values.json, json);
else process.stdout.write(`${json}\n`);
