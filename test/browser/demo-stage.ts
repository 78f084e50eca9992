import { createServer, type AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { until } from '../support/index.js';

/** What a browser says of an address that does not answer: expected while the gateway is dead, and nowhere else. */
const OUTAGE = /net::ERR_|WebSocket connection to/;

/** A port that is free now, for a process that comes back at the same address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits until `read` gives `expected`; what it gives in the end is the failure. */
export async function settles<T>(read: () => Promise<T>, expected: T): Promise<void> {
  await until('it to settle', async () => isDeepStrictEqual(await read(), expected)).catch(() => undefined);
  expect(await read()).toEqual(expected);
}

/** The demo page as a person has it before them: the customer's chat on the left, the helpdesk on the right. */
export class DemoPage {
  readonly shop = this.page.frameLocator('iframe');
  readonly box = this.shop.getByRole('textbox', { name: /message/i });
  readonly chat = this.shop.getByRole('log');
  readonly desk = this.page.getByRole('log', { name: 'Helpdesk conversation' });
  readonly answerBox = this.page.getByRole('textbox', { name: 'Answer the customer' });
  private readonly said: string[] = [];

  private constructor(readonly page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.said.push(message.text());
    });
    page.on('pageerror', (error) => this.said.push(error.message));
  }

  static async open(context: BrowserContext, url: string): Promise<DemoPage> {
    context.setDefaultTimeout(30_000);
    const demo = new DemoPage(await context.newPage());
    await demo.page.goto(`${url}/demo`);
    await demo.box.waitFor();
    return demo;
  }

  async write(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press('Enter');
  }

  async answer(text: string): Promise<void> {
    await this.answerBox.fill(text);
    await this.answerBox.press('Enter');
  }

  async attach(picture: Buffer, name: string): Promise<void> {
    await this.shop.locator('input[type=file]').setInputFiles({ name, mimeType: 'image/png', buffer: picture });
    await this.shop.getByRole('button', { name: 'Send' }).click();
  }

  async answerWith(picture: Buffer, name: string): Promise<void> {
    const file = { name, mimeType: 'image/png', buffer: picture };
    await this.page.getByLabel('Picture for the customer').setInputFiles(file);
  }

  /** Texts in the customer's chat, from top to bottom. */
  customerSees(): Promise<string[]> {
    return this.chat.locator('.line:not(.typing) .bubble').allInnerTexts();
  }

  /** Texts in the helpdesk's conversation, from top to bottom. */
  helpdeskSees(): Promise<string[]> {
    return this.desk.locator('.said .bubble:not(.dots)').allInnerTexts();
  }

  /** Resolves once both sides show these texts, in this order, and nothing else. */
  async bothSee(texts: readonly string[]): Promise<void> {
    await settles(() => this.helpdeskSees(), [...texts]);
    await settles(() => this.customerSees(), [...texts]);
  }

  /** The entries of the stream with this type, newest first. */
  events(type: string): Locator {
    return this.page.locator('.event').filter({ has: this.page.locator('.type').getByText(type, { exact: true }) });
  }

  /** Pictures that are really shown in each of the two, as pixels across. */
  async pictureWidths(): Promise<{ customer: number[]; helpdesk: number[] }> {
    const widths = (within: Locator) =>
      within
        .locator('img')
        .evaluateAll((all) => all.map((img) => (img as unknown as { naturalWidth: number }).naturalWidth));
    return { customer: await widths(this.chat), helpdesk: await widths(this.desk) };
  }

  /** Errors and warnings in the browser's console; those of an outage only where none was expected. */
  problems({ outage = false } = {}): string[] {
    return outage ? this.said.filter((text) => !OUTAGE.test(text)) : this.said;
  }
}
