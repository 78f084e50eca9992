import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type FrameLocator,
  type Page,
} from 'playwright-core';
import { drawPicture } from './widget-picture.js';
import { FakeChatServer, FakeHelpdesk, hostPage } from '../../apps/widget/testing/index.js';

const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];
export const SHOTS = 'artifacts/widget';
/** A small real PNG. */
export const PICTURE = drawPicture(320, 210);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds wrong with a page and its frames: rule and elements. */
export async function violations(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const frame of page.frames()) {
    await frame.addScriptTag({ path: AXE });
    const result = (await frame.evaluate('axe.run(document, { iframes: false })')) as {
      violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
    };
    for (const { id, nodes } of result.violations) {
      found.push(...nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary?.slice(0, 200)}`));
    }
  }
  return found;
}

export const executablePath = CHROMIUM.find((path) => path !== undefined && existsSync(path));

/** Waits until `read` gives `expected`; after ten seconds the difference is the failure. */
export async function eventually<T>(read: () => T | Promise<T>, expected: T): Promise<void> {
  const end = Date.now() + 10_000;
  while (!isDeepStrictEqual(await read(), expected) && Date.now() < end)
    await new Promise((next) => setTimeout(next, 20));
  expect(await read()).toEqual(expected);
}

/** A browser, a fake gateway that is new for each test, and pages with the widget on them. */
export class Stage {
  server!: FakeChatServer;
  helpdesk!: FakeHelpdesk;
  context!: BrowserContext;
  browser!: Browser;
  folder = '';
  private readonly extra: BrowserContext[] = [];

  /** Another browser profile, closed with the test. */
  async profile(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      ...options,
    });
    context.setDefaultTimeout(10_000);
    this.extra.push(context);
    return context;
  }

  /** A page that embeds the widget; `query` becomes data attributes. */
  async visit(query = '', context: BrowserContext = this.context): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${this.server.url}/page?${query}`);
    await this.launcher(page).waitFor();
    return page;
  }

  launcher(page: Page) {
    return page.getByRole('button', { name: /chat/i });
  }

  box(page: Page) {
    return page.getByRole('textbox', { name: /message/i });
  }

  log(page: Page) {
    return page.getByRole('log');
  }

  async open(page: Page): Promise<void> {
    await this.launcher(page).click();
    await this.box(page).waitFor();
  }

  async write(page: Page, text: string): Promise<void> {
    await this.box(page).fill(text);
    await this.box(page).press('Enter');
  }

  /** Waits until the text is in the log and marked as stored by the gateway. */
  async sent(page: Page, text: string, within: Page | FrameLocator = page): Promise<void> {
    await within.getByRole('log').getByText(text, { exact: true }).first().waitFor();
    await within.getByRole('log').locator('.waiting').first().waitFor({ state: 'detached' });
  }

  async setUp(): Promise<void> {
    this.server = new FakeChatServer();
    this.server.routes.push(hostPage(this.folder));
    this.helpdesk = new FakeHelpdesk(this.server, this.folder);
    await this.server.start();
    this.context = await this.profile();
  }

  async tearDown(): Promise<void> {
    for (const context of this.extra.splice(0)) await context.close();
    await this.server?.crash();
  }

  async launch(): Promise<void> {
    const { buildWidget, buildDemoPage } = (await import('../../apps/widget/build.mjs' as string)) as {
      buildWidget(outdir: string): Promise<{ bytes: number; gzipped: number }>;
      buildDemoPage(outdir: string): Promise<void>;
    };
    this.folder = await mkdtemp(join(tmpdir(), 'widget-'));
    this.size = await buildWidget(this.folder);
    await buildDemoPage(this.folder);
    await mkdir(SHOTS, { recursive: true });
    this.browser = await chromium.launch({ executablePath, args: ARGS });
  }

  size = { bytes: 0, gzipped: 0 };
}

/**
 * Describes browser tests. Without a Chromium they are skipped, which is said; under CI that is a failure.
 */
export function inBrowser(title: string, tests: (stage: Stage) => void): void {
  const available = executablePath !== undefined;
  if (!available && !process.env.CI)
    console.warn(`${title}: skipped, no Chromium at ${CHROMIUM.slice(1).join(', ')}; set CHROMIUM_PATH`);
  (available || process.env.CI ? describe : describe.skip)(title, () => {
    const stage = new Stage();
    beforeAll(async () => {
      if (!available) throw new Error('CI needs a Chromium: install one or set CHROMIUM_PATH');
      await stage.launch();
    });
    beforeEach(async () => {
      await stage.tearDown();
      await stage.setUp();
    });
    afterAll(async () => {
      await stage.tearDown();
      await stage.browser?.close();
      if (stage.folder) await rm(stage.folder, { recursive: true });
    });
    tests(stage);
  });
}
