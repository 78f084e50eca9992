/** HTML that may be put into a page as it is. */
export class Html {
  constructor(readonly text: string) {}
}

type Value = Html | string | number | false | null | undefined | readonly Value[];

/** Puts values into HTML: text is escaped, `Html` is not, nothing stands for false, null and undefined. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, i) => text + render(values[i - 1]) + part));
}

function render(value: Value): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return value === false || value === null || value === undefined ? '' : escape(String(value));
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The little Markdown that descriptions use: paragraphs, lists of `- `, `code` and **bold**. */
export function markdown(text: string): Html {
  const blocks = text.split(/\n\n+/).map((block) => {
    if (!block.startsWith('- ')) return html`<p>${inline(block)}</p>`;
    return html`<ul>
      ${block.split(/\n(?=- )/).map((item) => html`<li>${inline(item.slice(2))}</li>`)}
    </ul>`;
  });
  return html`${blocks}`;
}

export function inline(text: string): Html {
  const spans = text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((span) => {
    if (/^`.+`$/s.test(span)) return html`<code>${span.slice(1, -1)}</code>`;
    return /^\*\*.+\*\*$/s.test(span) ? html`<strong>${span.slice(2, -2)}</strong>` : html`${span}`;
  });
  return html`${spans}`;
}
