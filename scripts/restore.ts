// npm run restore
import { restoreCommand, explain } from '../apps/gateway/src/backup/command.js';

const say = (line: string): unknown => process.stdout.write(`${line}\n`);
try {
  await restoreCommand({ words: process.argv.slice(2), env: process.env, say });
} catch (error) {
  process.stderr.write(`\nThe restore failed: ${explain(error)}\n\n`);
  process.exitCode = 1;
}
