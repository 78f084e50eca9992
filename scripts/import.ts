// npm run import
import { SettingsError } from '#config';
import { importCommand, ImportTrouble } from '../apps/gateway/src/imports/command.js';

const { stdout } = process;
const terminal = {
  isTTY: stdout.isTTY,
  columns: stdout.columns,
  write: (text: string): void => void stdout.write(text),
};
try {
  const isWhole = await importCommand({ words: process.argv.slice(2), env: process.env, terminal });
  process.exitCode = isWhole ? 0 : 1;
} catch (error) {
  const isKnown = error instanceof ImportTrouble || error instanceof SettingsError;
  process.stderr.write(`\n${isKnown ? error.message : ((error as Error).stack ?? String(error))}\n\n`);
  process.exitCode = 1;
}
