import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { safeHtml } from '../../libs/mail/src/read/html/safe.js';
import { parseHtml } from '../../libs/mail/src/read/html/tree.js';
import { htmlAttacks } from '#mail/testing';
import { executablePath } from './widget-stage.js';

/** Ways in which programs put html on a page; the third writes it anew from what the browser made of it, twice. */
const WAYS = ['document', 'innerHTML', 'again', 'frame'] as const;

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] });
});
afterAll(() => browser?.close());

interface Outcome {
  hits: number;
  requests: string[];
}

/** Shows each html in each way and moves and clicks about in it: how often code of it ran, and what was asked of the network. */
async function show(htmls: readonly string[]): Promise<Outcome> {
  const page = await browser.newPage();
  const outcome: Outcome = { hits: 0, requests: [] };
  await page.exposeFunction('counted', () => void (outcome.hits += 1));
  await page.addInitScript('window.hit = () => window.counted()');
  await page.route('**/*', (route) => {
    const url = route.request().url();
    if (url === 'https://helpdesk.example/') return route.fulfill({ contentType: 'text/html', body: '<body></body>' });
    outcome.requests.push(url);
    return route.abort();
  });
  for (const way of WAYS) for (const html of htmls) await place(page, html, way);
  await page.close();
  return outcome;
}

async function place(page: Page, html: string, way: (typeof WAYS)[number]): Promise<void> {
  if (page.url() !== 'https://helpdesk.example/') await page.goto('https://helpdesk.example/');
  if (way === 'document') await page.setContent(html, { waitUntil: 'commit' });
  else await page.evaluate(`(${put.toString()})(${JSON.stringify(html)}, ${JSON.stringify(way)})`);
  await page.evaluate(`(${poke.toString()})()`);
}

/* These two run in the page. */
declare const document: {
  body: { innerHTML: string; append(node: unknown): void };
  createElement(tag: string): { srcdoc: string };
  querySelectorAll(selector: string): Iterable<{
    dispatchEvent(event: unknown): void;
    getAttribute(name: string): string | null;
    click?(): void;
    focus?(): void;
  }>;
};
declare const setTimeout: (run: () => void, ms: number) => void;
declare const Event: new (type: string) => unknown;

function put(html: string, way: string): void {
  if (way === 'frame') {
    const frame = document.createElement('iframe');
    frame.srcdoc = html;
    document.body.innerHTML = '';
    document.body.append(frame);
    return;
  }
  document.body.innerHTML = html;
  if (way === 'again') for (let i = 0; i < 2; i += 1) document.body.innerHTML = String(document.body.innerHTML);
}

function poke(): Promise<void> {
  for (const element of document.querySelectorAll('body *')) {
    for (const type of ['mouseover', 'load', 'error', 'toggle', 'animationend']) element.dispatchEvent(new Event(type));
    element.focus?.();
    if (!/^(?:https?|mailto|tel):/.test(element.getAttribute('href') ?? '')) element.click?.();
  }
  return new Promise((resolve) => setTimeout(resolve, 5));
}

it('nothing of hostile mail runs or loads in a real browser once it was made safe', async () => {
  const safe = htmlAttacks.map((attack) => safeHtml(parseHtml(attack).root).html);
  expect(await show(safe)).toEqual({ hits: 0, requests: [] });
}, 240_000);

it('the attacks are real: shown as they came, they run and load', async () => {
  const { hits, requests } = await show(htmlAttacks.slice(0, 40));
  expect(hits).toBeGreaterThan(15);
  expect(requests.length).toBeGreaterThan(0);
}, 240_000);
