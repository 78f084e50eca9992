import type { Database } from '#database';

const ANSWER_MS = 2_000;

/** Something that the process cannot work without; says in a few words what is wrong with it, or null. */
export type Check = () => string | null | Promise<string | null>;

/** Can this process take work now? A load balancer asks; `draining` says no before the listener closes. */
export class Readiness {
  private readonly checks: Check[];
  private leaving = false;

  constructor(database: Database) {
    this.checks = [() => answers(database)];
  }

  add(check: Check): void {
    this.checks.push(check);
  }

  drain(): void {
    this.leaving = true;
  }

  get draining(): boolean {
    return this.leaving;
  }

  /** What stands in the way; empty where nothing does. */
  async obstacles(): Promise<string[]> {
    if (this.leaving) return ['the process is stopping'];
    const found = await Promise.all(this.checks.map((check) => check()));
    return found.filter((obstacle) => obstacle !== null);
  }
}

async function answers(database: Database): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ANSWER_MS, 'the database does not answer');
  });
  const asked = database.query('select 1').then(
    () => null,
    () => 'the database cannot be reached',
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
