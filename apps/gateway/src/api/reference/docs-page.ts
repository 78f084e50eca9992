import { createHash } from 'node:crypto';
import { SCRIPT, STYLE } from './docs-assets.js';
import { Html, html, inline, markdown } from './html.js';
import type { JsonObject } from './json.js';
import { SchemaView } from './schema-view.js';

/** The page loads nothing, and runs no script but its own. */
export const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

type Problems = Readonly<Record<string, readonly [number, string]>>;

type Refusals = Readonly<Record<string, JsonObject>>;
const REFUSAL = '#/components/responses/';

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly spec: JsonObject;
}

/** The reference as one page that works without a network and without script; script adds the filter and trying calls out. */
export function docsPage(document: JsonObject, problems: Problems): string {
  const { title, version, description } = document['info'] as { title: string; version: string; description: string };
  const view = new SchemaView((document['components'] as JsonObject)['schemas'] as Record<string, JsonObject>);
  const groups = grouped(document);
  const refusals = (document['components'] as JsonObject)['responses'] as Refusals;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} API</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        ${navigation(groups, html`${title} <small>API ${version}</small>`)}
        <main id="main">
          <header>
            <h1>${title} API</h1>
            ${markdown(description)}
            <label class="key">
              Your API key, for trying calls out (kept in this tab only)
              <input id="key" type="password" autocomplete="off" placeholder="trb_…" />
            </label>
          </header>
          ${groups.map(
            ([tag, operations]) =>
              html`<section>
                <h2>${tag}</h2>
                ${operations.map((operation) => article(operation, view, refusals))}
              </section>`,
          )}
          ${problemTable(problems)}
        </main>
        ${new Html(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`;
  return page.text;
}

function navigation(groups: readonly [string, Operation[]][], brand: Html): Html {
  return html`<nav aria-label="Calls">
    <div class="brand">${brand}</div>
    <input id="filter" type="search" placeholder="Filter calls" aria-label="Filter calls" />
    ${groups.map(
      ([tag, operations]) =>
        html`<div class="group">
          <h2>${tag}</h2>
          <ul>
            ${operations.map(
              ({ id, method, spec }) =>
                html`<li>
                  <a href="#${id}"><span class="verb ${method}">${method}</span>${spec['summary'] as string}</a>
                </li>`,
            )}
          </ul>
        </div>`,
    )}
    <div class="group">
      <h2>More</h2>
      <ul>
        <li><a href="#problems">Problem codes</a></li>
        <li><a href="/openapi.json">OpenAPI 3.1</a></li>
        <li><a href="/asyncapi.json">AsyncAPI 3.0: the event stream</a></li>
        <li><a href="/schemas/">JSON Schemas</a></li>
      </ul>
    </div>
  </nav>`;
}

function problemTable(problems: Problems): Html {
  const rows = Object.entries(problems).map(
    ([code, [status, meaning]]) =>
      html`<tr id="${code}">
        <td><code>${code}</code></td>
        <td>${status}</td>
        <td>${meaning}</td>
      </tr>`,
  );
  return html`<section id="problems">
    <h2>Problem codes</h2>
    <table>
      <thead>
        <tr>
          <th>Code</th>
          <th>Status</th>
          <th>Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </section>`;
}

function grouped(document: JsonObject): [string, Operation[]][] {
  const groups = new Map<string, Operation[]>();
  for (const [path, methods] of Object.entries(document['paths'] as Record<string, Record<string, JsonObject>>)) {
    for (const [method, spec] of Object.entries(methods)) {
      const tag = (spec['tags'] as string[])[0] ?? '';
      groups.set(tag, [...(groups.get(tag) ?? []), { id: spec['operationId'] as string, method, path, spec }]);
    }
  }
  return [...groups];
}

function article(operation: Operation, view: SchemaView, refusals: Refusals): Html {
  const { id, method, path, spec } = operation;
  const body = bodyOf(spec);
  const responses = Object.entries(spec['responses'] as Record<string, JsonObject>).map(
    ([status, response]) => [status, refusals[String(response['$ref']).slice(REFUSAL.length)] ?? response] as const,
  );
  const answer = responses[0]?.[1] as { content?: { 'application/json'?: { schema: JsonObject } } };
  const schema = answer?.content?.['application/json']?.schema;
  return html`<article id="${id}" data-method="${method}" data-path="${path}">
    <h3><span class="verb ${method}">${method}</span> <code class="path">${path}</code></h3>
    <p class="summary">${spec['summary'] as string}</p>
    ${markdown(spec['description'] as string)} ${parameters(spec['parameters'] as JsonObject[], view)}
    ${
      body &&
      html`<h4>Body <span class="type">${body.type}</span></h4>
        ${view.members(body.schema)}
        ${body.example !== undefined && html`<pre><code>${JSON.stringify(body.example, null, 2)}</code></pre>`}`
    }
    <h4>Answer</h4>
    ${answers(responses.slice(0, 1))}
    ${
      schema &&
      html`<details>
        <summary>${view.type(schema)}</summary>
        ${view.members(schema)}
      </details>`
    }
    <details>
      <summary>Refusals</summary>
      ${answers(responses.slice(1))}
    </details>
    <details class="try">
      <summary>Try it</summary>
      <pre class="curl"><code>${curl(operation, body?.example)}</code></pre>
    </details>
  </article>`;
}

function answers(responses: readonly (readonly [string, JsonObject])[]): Html {
  const items = responses.map(
    ([status, { description }]) =>
      html`<li><span class="status s${status.charAt(0)}">${status}</span> ${inline(description as string)}</li>`,
  );
  return html`<ul class="answers">
    ${items}
  </ul>`;
}

function parameters(list: readonly JsonObject[], view: SchemaView): Html {
  if (list.length === 0) return html``;
  return html`<h4>Parameters</h4>
    <ul class="members">
      ${list.map(
        ({ name, in: place, required, description, schema }) =>
          html`<li data-parameter="${name as string}" data-in="${place as string}">
            <code class="name">${name as string}</code> <span class="type">${view.type(schema as JsonObject)}</span>
            <span class="optional">${place as string}${!required && ', optional'}</span>
            ${view.about({ ...(schema as JsonObject), description })}
          </li>`,
      )}
    </ul>`;
}

function bodyOf(spec: JsonObject): { type: string; schema: JsonObject; example: unknown } | undefined {
  const content = (
    spec['requestBody'] as { content?: Record<string, { schema: JsonObject; example?: unknown }> } | undefined
  )?.content;
  const [type, body] = Object.entries(content ?? {})[0] ?? [];
  return type && body ? { type, schema: body.schema, example: body.example } : undefined;
}

function curl({ method, path }: Operation, example: unknown): string {
  const lines = [`curl -X ${method.toUpperCase()} "$TRIBUTARY${path}"`, '-H "Authorization: Bearer $KEY"'];
  if (path === '/v1/files') lines.push('-F file=@photo.png');
  if (example !== undefined) lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(example)}'`);
  return lines.join(' \\\n  ');
}
