import type { z } from 'zod';

/** One fault of an input: where (`parts.0.text`; empty for the whole) and what was expected. Never quotes the value. */
export interface InputError {
  readonly path: string;
  readonly message: string;
}

/** Most faults that are listed; a hostile input can have a million. */
const MAX_ERRORS = 20;

/** The input does not have the shape that was asked for. The API answers it as 422 `invalid` with these `errors`. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';

  constructor(readonly errors: readonly InputError[]) {
    super(errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '));
  }
}

/** Checks a value against a schema and returns what the schema makes of it. Throws `InvalidInput`; changes nothing itself. */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidInput(result.error.issues.slice(0, MAX_ERRORS).flatMap((issue) => flatten(issue, [])));
}

/** Of a union that nothing matched, the branch with the fewest faults speaks: it is the one that was meant. */
function flatten(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): InputError[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const nearest = issue.errors.reduce((best, branch) => (branch.length < best.length ? branch : best));
    return nearest.flatMap((inner) => flatten(inner, path));
  }
  return [{ path: path.map(String).join('.'), message: issue.message }];
}
