/** The look of the reference page. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --line: #e3e7ed; --page: #ffffff; --side: #f7f8fa; --code: #f2f4f7; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa5b4; --line: #2b333f; --page: #12161c; --side: #171c24; --code: #1d242e; --accent: #66b0ff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.6 system-ui, "Segoe UI", Roboto, "PingFang SC", "Noto Sans CJK SC", sans-serif; color: var(--ink); background: var(--page);
  display: grid; grid-template-columns: 300px minmax(0, 1fr); }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 8px; top: 8px; background: var(--page); padding: 8px; z-index: 1; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 24px 20px; background: var(--side); border-right: 1px solid var(--line); }
.brand { font-weight: 650; font-size: 18px; margin-bottom: 16px; } .brand small { color: var(--soft); font-weight: 400; }
input, textarea, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; width: 100%; }
textarea { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; min-height: 120px; }
button { width: auto; background: var(--accent); color: var(--page); border: 0; padding: 8px 18px; cursor: pointer; font-weight: 600; }
nav h2 { font-size: 12px; letter-spacing: .04em; text-transform: uppercase; color: var(--soft); margin: 22px 0 6px; }
nav ul { list-style: none; margin: 0; padding: 0; } nav a { display: flex; gap: 8px; align-items: baseline; color: inherit; padding: 4px 0; font-size: 14px; line-height: 1.35; }
main { padding: 40px 56px 120px; max-width: 980px; min-width: 0; }
h1 { font-size: 32px; line-height: 1.2; margin: 0 0 16px; } section > h2 { font-size: 24px; margin: 56px 0 8px; }
article { padding: 28px 0; border-top: 1px solid var(--line); scroll-margin-top: 8px; } article:target h3 { color: var(--accent); }
h3 { font-size: 17px; margin: 0; display: flex; gap: 10px; align-items: baseline; flex-wrap: wrap; } .path { background: none; padding: 0; font-size: 16px; word-break: break-all; }
h4 { font-size: 13px; margin: 20px 0 6px; color: var(--soft); font-weight: 600; } .summary { font-size: 17px; margin: 6px 0 8px; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; background: var(--code); padding: 1px 5px; border-radius: 5px; }
pre { background: var(--code); border-radius: 10px; padding: 14px 16px; overflow: auto; margin: 10px 0; } pre code { background: none; padding: 0; }
.verb { font: 600 11px/1.7 ui-monospace, SFMono-Regular, Menlo, monospace; text-transform: uppercase; min-width: 52px; color: var(--accent); flex: none; }
.verb.post { color: #0a7d4b; } .verb.patch { color: #96620a; } .verb.delete { color: #c0362c; }
@media (prefers-color-scheme: dark) { .verb.post { color: #4fd197; } .verb.patch { color: #e5b45a; } .verb.delete { color: #ff8a80; } }
.members, .variants, .answers { list-style: none; padding: 0; margin: 0; } .members li, .answers li { padding: 6px 0; border-top: 1px solid var(--line); } .members > li:first-child, .answers > li:first-child { border-top: 0; }
.members .members { padding-left: 16px; border-left: 2px solid var(--line); margin: 6px 0; } .variants > li { padding: 8px 0 8px 12px; border-left: 2px solid var(--line); margin: 6px 0; }
.name { font-weight: 600; background: none; padding: 0; } .type, .optional { color: var(--soft); font-size: 13px; } .type + .optional::before { content: '· '; } .about { display: block; color: var(--soft); font-size: 14px; }
summary { cursor: pointer; color: var(--accent); font-size: 13px; padding: 2px 0; } details > summary:hover { text-decoration: underline; }
.status { font: 600 13px ui-monospace, SFMono-Regular, Menlo, monospace; margin-right: 8px; } .s2 { color: #0a7d4b; } .s4, .s5 { color: #c0362c; }
@media (prefers-color-scheme: dark) { .s2 { color: #4fd197; } .s4, .s5 { color: #ff8a80; } }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 8px 12px 8px 0; border-top: 1px solid var(--line); vertical-align: top; } tr:target { background: var(--code); }
.key { display: block; margin-top: 20px; color: var(--soft); font-size: 14px; } .key input { margin-top: 6px; max-width: 460px; display: block; }
.form { display: grid; gap: 10px; margin-top: 10px; } .form label { font-size: 13px; color: var(--soft); } [hidden] { display: none !important; }
@media (max-width: 860px) { body { display: block; } nav { position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 24px 20px 80px; } }
`;

/** Filters the list of calls, and lets people try calls out with their own key. */
export const SCRIPT = `
const $ = (query, from = document) => [...from.querySelectorAll(query)];
const filter = document.getElementById('filter'), key = document.getElementById('key');
key.value = sessionStorage.getItem('tributary-key') || '';
key.addEventListener('change', () => sessionStorage.setItem('tributary-key', key.value.trim()));
filter.addEventListener('input', () => {
  const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const item of $('nav .group li')) {
    const target = document.getElementById((item.firstElementChild.getAttribute('href') || '').slice(1));
    const text = (item.textContent + ' ' + (target && target.dataset.path || '')).toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of $('nav .group')) group.hidden = !$('li:not([hidden])', group).length;
});
const element = (name, props, ...children) => { const made = Object.assign(document.createElement(name), props); made.append(...children); return made; };
const build = (article, box) => {
  const { method, path } = article.dataset;
  const fields = $('[data-parameter]', article).filter((item) => item.dataset.in !== 'header').map((item) => {
    const input = element('input', { name: item.dataset.parameter, autocomplete: 'off' });
    return { place: item.dataset.in, input, label: element('label', {}, item.dataset.parameter + ' (' + item.dataset.in + ')', input) };
  });
  const sample = $(':scope > pre code', article)[0];
  const upload = path === '/v1/files';
  const body = upload ? element('input', { type: 'file' }) : element('textarea', { value: sample ? sample.textContent : '{}' });
  const out = element('pre', { hidden: true });
  const send = element('button', { type: 'button', textContent: 'Send' });
  const writes = method === 'post' || method === 'patch';
  send.addEventListener('click', async () => {
    let url = path;
    const query = new URLSearchParams();
    for (const { place, input } of fields) {
      if (place === 'path') url = url.replace('{' + input.name + '}', encodeURIComponent(input.value));
      else if (input.value) query.set(input.name, input.value);
    }
    const headers = { authorization: 'Bearer ' + key.value.trim() };
    const form = upload ? new FormData() : null;
    if (form && body.files[0]) form.append('file', body.files[0]);
    if (writes && !upload) headers['content-type'] = 'application/json';
    out.hidden = false; out.textContent = '...';
    try {
      const answer = await fetch(url + (String(query) ? '?' + query : ''), { method: method.toUpperCase(), headers, body: form || (writes ? body.value : undefined) });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch {}
      out.textContent = answer.status + ' ' + answer.statusText + (shown ? '\\n\\n' + shown : '');
    } catch (error) { out.textContent = String(error); }
  });
  box.append(element('div', { className: 'form' }, ...fields.map(({ label }) => label), ...(writes ? [element('label', {}, 'Body', body)] : []), element('div', {}, send), out));
};
for (const box of $('details.try')) box.addEventListener('toggle', () => build(box.closest('article'), box), { once: true });
`;
