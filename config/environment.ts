import { resolve } from 'node:path';
import { z } from 'zod';
import { explain } from './explain.js';
import { LogLevel, PublicUrl } from './schema.js';
import type { Problem } from './problem.js';

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port between 0 and 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'expected a port between 0 and 65535');

const folder = (text: string) => resolve(text);

/** The process environment, CONTRACT section 1. A variable that is empty counts as unset. */
export const Environment = z.object({
  HOST: z.string().default('127.0.0.1').describe('Address to listen on; `0.0.0.0` for every one.'),
  PORT: port.default(3000).describe('Port to listen on; 0 takes a free one.'),
  PUBLIC_URL: PublicUrl.optional().describe('Wins over `publicUrl` of the file.'),
  DATA_DIR: z
    .string()
    .default('./data')
    .transform(folder)
    .describe('Folder of the embedded database, of files and of generated keys.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, 'expected an address such as postgres://user:password@host:5432/database')
    .optional()
    .describe('A PostgreSQL server (15 or later) in place of the embedded database.'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, 'expected an address such as redis://user:password@host:6379/0')
    .optional()
    .describe(
      'A Redis server that carries the hints between processes, in place of LISTEN and NOTIFY of PostgreSQL; only with `DATABASE_URL`. Installations that share one take different numbers at the end of the address.',
    ),
  LOG_LEVEL: LogLevel.optional().describe('Wins over `logLevel` of the file.'),
  TRIBUTARY_CONFIG: z.string().default('config/tributary.yaml').transform(folder).describe('The settings file.'),
  TRIBUTARY_ADMIN_KEY: z
    .string()
    .min(16, 'expected at least 16 characters')
    .optional()
    .describe('The API key with every right. Unset: made on first start and kept in `DATA_DIR/admin.key`.'),
  TRIBUTARY_SECRET_KEY: z
    .string()
    .min(16, 'expected 32 bytes as base64 or hex, or a passphrase of at least 16 characters')
    .optional()
    .describe(
      'Encrypts stored credentials: 32 bytes as base64 or hex, or a passphrase. Unset: made on first start and kept in `DATA_DIR/secret.key`.',
    ),
  TRIBUTARY_SECRET_KEY_PREVIOUS: z
    .string()
    .min(16, 'expected 32 bytes as base64 or hex, or a passphrase of at least 16 characters')
    .optional()
    .describe(
      'The key before `TRIBUTARY_SECRET_KEY`, while it is being changed: what it encrypted is read, and encrypted anew at start; what it signed is still good.',
    ),
});
export type Environment = z.infer<typeof Environment>;

/** Reads the environment; what is wrong in it is added to `problems`, and the default stands in. */
export function readEnvironment(env: NodeJS.ProcessEnv, problems: Problem[]): Environment {
  const given = Object.fromEntries(
    Object.entries(env).filter(([key, value]) => key in Environment.shape && value !== ''),
  );
  const parsed = Environment.safeParse(given, { error: explain });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const key = String(issue.path[0]);
    problems.push({ key, line: null, expected: issue.message });
    delete given[key];
  }
  return Environment.parse(given);
}
