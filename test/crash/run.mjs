// npm run test:crash [-- --rounds 100] [--seed 42] [--database embedded|postgres|both] [--first 1] [--verbose]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    database: { type: 'string', default: 'both' },
    first: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});
if (!['embedded', 'postgres', 'both'].includes(values.database)) {
  process.stderr.write('--database is embedded, postgres or both\n');
  process.exit(2);
}
const told = Object.entries(values).map(([name, value]) => [`CRASH_${name.toUpperCase()}`, String(value)]);
const suites = values.database === 'both' ? ['embedded', 'postgres'] : [values.database];
const { status } = spawnSync(
  'npm',
  ['run', '-s', 'jest', '--', ...suites.map((suite) => `test/crash/${suite}.spec.ts`)],
  { stdio: 'inherit', env: { ...process.env, ...Object.fromEntries(told) } },
);
process.exit(status ?? 1);
