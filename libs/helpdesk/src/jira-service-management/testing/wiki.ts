const MARKUP = [
  /(?<![\\\w])[*_+^~-][^\s\\]/,
  /\{\w+|\{\{/,
  /(?<!\\)!\S/,
  /(?<!\\)\[/,
  /\|\|/,
  /^\s*(h[1-6]|bq)\. /m,
  /[:;][DPp)]/,
  /&#?\w+;/,
  /\?\?/,
];

/**
 * What Jira shows of wiki markup that holds text alone. Its rule: a backslash before one of its signs, and behind no other backslash, is not shown; two of them break the line.
 * Throws where something would be markup.
 */
export function shownWiki(markup: string): string {
  const bare = markup.replace(/https?:\/\/\S+?(?=\\?[!)}\]]|\s|$)/g, '');
  const found = MARKUP.find((sign) => sign.test(bare.replace(/(?<!\\)\\[-#*_+?^~|%{}[\]()!@]/g, '')));
  if (found) throw new Error(`it holds markup (${found.source}): ${markup}`);
  return markup.replace(/\\\\/g, '\n').replace(/(?<!\\)\\([-#*_+?^~|%{}[\]()!@])/g, '$1');
}
