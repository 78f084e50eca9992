import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Route } from './fake-chat-server.js';

/** A page of somebody else, with styles that a widget without walls would not survive. */
const HOSTILE = `
  * { all: unset; }
  * { font-family: serif !important; letter-spacing: 3px !important; color: lime !important; }
  html { font-size: 40px; }
  button, textarea, div { display: none !important; transform: rotate(9deg) !important; position: static !important; }
  body { line-height: 4; text-transform: uppercase; direction: rtl; text-align: right; }`;

const CALM = `
  :root { color-scheme: light dark; } a { color: inherit; } body { margin: 0; font: 16px/1.6 'Noto Sans CJK SC', sans-serif; color: #1d2330; background: #fbfbfa; }
  main { max-width: 640px; margin: 0 auto; padding: 72px 32px; } h1 { font-size: 40px; line-height: 1.15; letter-spacing: -.02em; }
  @media (prefers-color-scheme: dark) { body { background: #0f1115; color: #dfe3ea } }`;

/** Serves `/widget.js` from `folder`, and `/page?…` whose query becomes data attributes of the script tag (`hostile` and `csp` change the page). */
export function hostPage(folder: string): Route {
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
    if (pathname === '/widget.js' || pathname === '/widget.js.map') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(join(folder, pathname)));
      return true;
    }
    if (pathname !== '/page') return false;
    const hostile = searchParams.has('hostile');
    const headers: Record<string, string> = { 'content-type': 'text/html; charset=utf-8' };
    if (searchParams.has('csp')) {
      headers['content-security-policy'] =
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' blob:; style-src 'none'";
    }
    response.writeHead(200, headers).end(page(searchParams, hostile));
    return true;
  };
}

function page(query: URLSearchParams, hostile: boolean): string {
  const lang = query.get('lang') ?? 'en';
  const attributes = [...query].filter(([key]) => !['hostile', 'csp', 'lang'].includes(key));
  const data = attributes.map(([key, value]) => `data-${key}="${value.replaceAll('"', '&quot;')}"`).join(' ');
  const styles = query.has('csp') ? '' : `<style>${hostile ? HOSTILE : CALM}</style>`;
  return `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>A shop</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">${styles}</head>
    <body><main><h1>Paper that is a pleasure to write on</h1><p>Notebooks bound by hand in small batches, posted the same day.</p>
    <p><label>Search <input id="host-input"></label> <a href="#more" id="host-link">Read more</a></p></main>
    <script async src="/widget.js" data-account="web" ${data}></script></body></html>`;
}
