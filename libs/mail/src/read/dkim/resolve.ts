import { Resolver } from 'node:dns/promises';

/** The TXT records of a name, each with its strings joined; empty where there are none. Throws where nobody knows now. */
export type ResolveTxt = (name: string) => Promise<string[]>;

const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

/** By the name servers of the system: nothing is connected to that a mail names. */
export const resolveTxt: ResolveTxt = async (name) => {
  try {
    const records = await new Resolver({ timeout: 2_000, tries: 2 }).resolveTxt(name);
    return records.map((strings) => strings.join(''));
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};
