import { expect, it } from '@jest/globals';
import { type FrameLocator, type Page } from 'playwright-core';
import { inBrowser, PICTURE, SHOTS, violations } from './widget-stage.js';

async function open(page: Page, url: string): Promise<FrameLocator> {
  await page.goto(`${url}/demo`);
  const shop = page.frameLocator('iframe');
  await shop.getByRole('textbox', { name: /message/i }).waitFor();
  return shop;
}

async function write(shop: FrameLocator, text: string): Promise<void> {
  const box = shop.getByRole('textbox', { name: /message/i });
  await box.fill(text);
  await box.press('Enter');
}

inBrowser('the demo page', (stage) => {
  it('carries a conversation both ways, with its events and receipts', async () => {
    const page = await stage.context.newPage();
    const shop = await open(page, stage.server.url);
    await page.getByText('Waiting for the first message').waitFor();
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${SHOTS}/demo-desktop-light-empty.png` });
    await write(shop, 'Hello, the CSV export of my invoices stays empty. Can you help?');
    const desk = page.getByRole('log', { name: 'Helpdesk conversation' });
    await desk.getByText('Hello, the CSV export of my invoices stays empty. Can you help?').waitFor();
    await page.getByText('message.received').waitFor();

    const answer = page.getByRole('textbox', { name: 'Answer the customer' });
    await answer.fill('Of course! Which month is it about?');
    await shop.locator('.dots').waitFor();
    await answer.press('Enter');
    await shop.getByRole('log').getByText('Of course! Which month is it about?').waitFor();
    await desk.locator('.mark.read').waitFor();
    await page.getByRole('button', { name: 'Choices' }).click();
    await shop.getByRole('button', { name: 'Team' }).click();
    await desk.getByText('chose').waitFor();
    const picture = { name: 'export.png', mimeType: 'image/png', buffer: PICTURE };
    await page.getByLabel('Picture for the customer').setInputFiles(picture);
    await shop.locator('.picture.shown').waitFor();
    await write(shop, 'November. The file has only the header line.');
    await desk.getByText('November. The file has only the header line.').waitFor();
    await page
      .getByRole('button', { name: /message\.read/ })
      .first()
      .click();
    await page.locator('pre').waitFor();
    await page.waitForTimeout(1800);
    await page.screenshot({ path: `${SHOTS}/demo-desktop-light.png` });
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Close', exact: true }).first().click();
    await page.locator('.pill.closed').waitFor();
    expect(await page.locator('.verified svg').count()).toBe(stage.helpdesk.events.length);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${SHOTS}/demo-desktop-dark.png` });
    expect(await violations(page)).toEqual([]);
  });

  it('starts another visitor on demand, as a conversation of its own', async () => {
    const page = await stage.context.newPage();
    const shop = await open(page, stage.server.url);
    await write(shop, 'I am the first');
    await page.locator('.thread').getByText('I am the first').waitFor();
    await page.getByRole('button', { name: 'New visitor' }).click();
    await shop.getByText('I am the first').waitFor({ state: 'detached' });
    await write(shop, 'I am the second');
    await page.locator('.thread').getByText('I am the second').waitFor();
    expect(await page.locator('.thread').getByText('I am the first').count()).toBe(0);
    expect(await page.getByRole('combobox', { name: 'Conversation' }).locator('option').count()).toBe(2);
  });

  it('fits a phone by tabs', async () => {
    const context = await stage.profile({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    const page = await context.newPage();
    const shop = await open(page, stage.server.url);
    await write(shop, 'Hello from a phone');
    await stage.sent(page, 'Hello from a phone', shop);
    await page.waitForTimeout(500);
    await page.screenshot({ path: `${SHOTS}/demo-phone-customer.png` });
    await page.getByRole('button', { name: 'Helpdesk' }).click();
    await page.locator('.thread').getByText('Hello from a phone').waitFor();
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${SHOTS}/demo-phone-helpdesk.png` });
    await page.getByRole('button', { name: 'Stream' }).click();
    await page.getByRole('button', { name: /message\.received/ }).click();
    await page.waitForTimeout(1800);
    await page.screenshot({ path: `${SHOTS}/demo-phone-stream.png` });
    expect(await violations(page)).toEqual([]);
  });
});
