const NAME = /^[A-Za-z][A-Za-z0-9_]{0,79}$/;

/** Is this the API name of a field or object, such as `Email` or `Tier__c`? */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/**
 * A text as a literal of SOQL, quotes and all. Quote and backslash are escaped by a backslash, control characters by their code point
 * (SOQL and SOSL Reference, "Quoted String Escape Sequences").
 */
export function literal(text: string): string {
  const escaped = text
    .replace(/[\\'"]/g, '\\$&')
    .replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `'${escaped}'`;
}

/** `SELECT fields FROM object WHERE any of them LIMIT limit`. Names come from the settings, which take nothing but names. */
export function select(
  fields: readonly string[],
  { object, where, limit }: { object: string; where?: readonly string[]; limit: number },
): string {
  const unique = [...new Set(fields)].join(', ');
  const condition = where ? ` WHERE ${where.join(' OR ')}` : '';
  return `SELECT ${unique} FROM ${object}${condition} LIMIT ${limit}`;
}
