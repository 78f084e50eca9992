// npm run backup
import { constants, setPriority } from 'node:os';
import { backupCommand, explain } from '../apps/gateway/src/backup/command.js';

const say = (line: string): unknown => process.stdout.write(`${line}\n`);
// The gateway goes first, where both run on one machine.
setPriority(constants.priority.PRIORITY_LOW);
try {
  await backupCommand({ words: process.argv.slice(2), env: process.env, say });
} catch (error) {
  process.stderr.write(`\nThe backup failed: ${explain(error)}\n\n`);
  process.exitCode = 1;
}
