import { unwrittenSteps } from '../unwritten.js';

/** One named property that every subject must have. `run` throws where the subject has it not. */
export interface Check<Subject> {
  readonly name: string;
  run(subject: Subject): Promise<void> | void;
}

/** A check that a subject cannot pass, and why. A waiver whose check passes is stale, and fails. */
export interface Waiver {
  readonly check: string;
  readonly reason: string;
}

type Register = (name: string, body: () => void | Promise<void>) => void;
interface Runner {
  readonly describe: Register;
  readonly it: Register;
}

/** Registers one test per check with the test runner's global `describe` and `it`, and with those of `node:test` where there are none. */
export function registerChecks<Subject extends { readonly waivers?: readonly Waiver[] }>(
  title: string,
  checks: readonly Check<Subject>[],
  subject: Subject,
): void {
  const { describe, it } =
    'describe' in globalThis ? (globalThis as unknown as Runner) : process.getBuiltinModule('node:test');
  describe(title, () => {
    for (const check of checks) it(check.name, () => runCheck(check, subject));
    it('waives only checks that exist, each with a reason', () => {
      for (const { check, reason } of subject.waivers ?? []) {
        const known = checks.some(({ name }) => name === check);
        if (!known || reason.trim().length < 10)
          throw new Error(`the waiver of "${check}" names no check or no reason`);
      }
    });
  });
}

/** Runs one check, its waiver taken into account. */
export async function runCheck<Subject extends { readonly waivers?: readonly Waiver[] }>(
  check: Check<Subject>,
  subject: Subject,
): Promise<void> {
  const waiver = subject.waivers?.find((candidate) => candidate.check === check.name);
  if (!waiver) return runWritten(check, subject);
  const failed = await runWritten(check, subject).then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error(`the waiver of "${check.name}" is stale: the check passes`);
}

/** Nothing is proven of what is not written yet: a check that met such a step fails with what the step says. */
async function runWritten<Subject>(check: Check<Subject>, subject: Subject): Promise<void> {
  const met: unknown[] = [];
  const note = (step: unknown) => void met.push(step);
  unwrittenSteps.subscribe(note);
  try {
    await check.run(subject);
  } catch (error) {
    throw met[0] ?? error;
  } finally {
    unwrittenSteps.unsubscribe(note);
  }
  if (met.length > 0) throw met[0];
}
