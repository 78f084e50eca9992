import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { emptyFolder, removeFolder, startGateway, stopEverything, until, type Gateway } from '../support/index.js';
import { DemoPage, freePort, settles } from './demo-stage.js';
import { inBrowser, violations } from './widget-stage.js';

const SHOTS = 'artifacts';

async function shot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${SHOTS}/demo-${name}.png` });
}

inBrowser('the demo, by the built gateway', (stage) => {
  let gateway: Gateway;
  const open = async (options: BrowserContextOptions = {}) =>
    DemoPage.open(await stage.profile({ reducedMotion: 'reduce', ...options }), gateway.url);

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    const config = await readFile('config/tributary.yaml', 'utf8');
    gateway = await startGateway({ config, env: { PORT: String(await freePort()) } });
    await until('the helpdesk', async () => (await gateway.api.get('/v1/destinations/demo-helpdesk')).status === 200);
  });
  afterAll(stopEverything);

  /** Parts of the customer's page, to be sent as pictures. */
  async function screenshots(): Promise<{ promise: Buffer; invoice: Buffer }> {
    const page = await (await stage.profile({ deviceScaleFactor: 2 })).newPage();
    await page.goto(`${gateway.url}/demo/shop`);
    const promise = await page.locator('article').nth(1).screenshot();
    const { x, y, width, height } = (await page.locator('.invoice').boundingBox())!;
    const invoice = await page.screenshot({ clip: { x: x - 20, y: y - 20, width: width + 40, height: height + 40 } });
    await page.context().close();
    return { promise, invoice };
  }

  it('carries a conversation both ways: signed events, typing, pictures, choices, receipts', async () => {
    const { promise, invoice } = await screenshots();
    const demo = await open();
    const { page, shop, desk } = demo;
    await page.getByText('Waiting for the first message').waitFor();
    await shot(page, 'desktop-empty');
    expect(await violations(page)).toEqual([]);

    await demo.box.pressSequentially('Hi, my');
    await demo.write('Hi, the CSV export of my invoices stays empty.');
    await desk.getByText('Hi, the CSV export of my invoices stays empty.').waitFor();
    await demo.events('message.received').locator('.verified svg').waitFor();
    await demo.box.pressSequentially('Your page');
    await desk.getByLabel('The customer is typing').waitFor();
    await demo.box.fill('Your page says this:');
    await demo.attach(promise, 'promise.png');
    await desk.locator('img').waitFor();

    await demo.answerBox.pressSequentially('Let me');
    await shop.locator('.dots').waitFor();
    await demo.answer('Let me look into it.');
    await demo.chat.getByText('Let me look into it.').waitFor();
    await desk.locator('.mark.read').waitFor();
    for (const type of ['message.queued', 'message.sent', 'message.delivered', 'message.read'])
      await demo.events(type).first().waitFor();
    await page.getByRole('button', { name: 'Choices' }).click();
    await shop.getByRole('button', { name: 'Team' }).click();
    await desk.getByText('chose Team').waitFor();
    await demo.answerWith(invoice, 'invoice.png');
    await settles(async () => (await demo.pictureWidths()).customer.filter((width) => width > 0).length, 2);
    await settles(async () => (await demo.pictureWidths()).helpdesk.filter((width) => width > 0).length, 2);
    await demo.answer('Fixed: invoice 2026-114 is in the export again.');
    await settles(() => desk.locator('.mark').allInnerTexts(), ['read', 'read', 'read', 'read']);

    await demo.events('message.received').first().getByRole('button').click();
    expect(JSON.parse(await page.locator('pre').innerText())).toMatchObject({
      type: 'message.received',
      data: { message: { direction: 'inbound', parts: [{ type: 'choice', label: 'Team' }] } },
    });
    expect(await page.locator('.event').count()).toBe(await page.locator('.verified svg').count());
    await shot(page, 'desktop');
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'desktop-dark');
    expect(await violations(page)).toEqual([]);
    expect(demo.problems()).toEqual([]);
  });

  it('resumes exactly where it was after a reload, and shows the same in a second tab', async () => {
    const demo = await open();
    await demo.write('before the reload');
    await demo.desk.getByText('before the reload').waitFor();
    await demo.attach((await screenshots()).invoice, 'invoice.png');
    await demo.desk.locator('img').waitFor();
    await demo.answer('seen');
    await demo.desk.locator('.mark.read').waitFor();
    const events = await demo.page.locator('.event').count();
    await demo.page.reload();
    await demo.bothSee(['before the reload', 'seen']);
    await settles(() => demo.page.locator('.event').count(), events);
    await settles(async () => Object.values(await demo.pictureWidths()).map(([width]) => width! > 0), [true, true]);
    await demo.page.getByRole('button', { name: 'Reload' }).click();
    await settles(() => demo.customerSees(), ['before the reload', 'seen']);

    const second = await DemoPage.open(demo.page.context(), gateway.url);
    await second.write('from the second tab');
    await demo.bothSee(['before the reload', 'seen', 'from the second tab']);
    await second.bothSee(['before the reload', 'seen', 'from the second tab']);
    expect([...demo.problems(), ...second.problems()]).toEqual([]);
  });

  it('keeps what is written without a network, and what is answered meanwhile', async () => {
    const demo = await open();
    await demo.write('still here');
    await demo.desk.getByText('still here').waitFor();
    const { data } = (await gateway.api.stream()).findLast(({ type }) => type === 'message.received')!;
    await demo.page.context().setOffline(true);
    await demo.shop.getByText('You are offline').waitFor();
    await demo.write('written in a tunnel');
    await demo.shop.getByText('Waiting for connection').waitFor();
    const path = `/v1/conversations/${data!.conversation!.id}/messages`;
    expect((await gateway.api.post(path, { text: 'answered meanwhile' })).status).toBe(202);
    await demo.page.context().setOffline(false);
    await demo.bothSee(['still here', 'answered meanwhile', 'written in a tunnel']);
    await demo.shop.getByText('You are offline').waitFor({ state: 'detached' });
    await demo.desk.locator('.mark.read').waitFor();
    expect(demo.problems({ outage: true })).toEqual([]);
  });

  it('loses and doubles nothing when the process is killed in a burst and started again', async () => {
    const demo = await open();
    await demo.write('first');
    await demo.desk.getByText('first', { exact: true }).waitFor();
    const burst = Array.from({ length: 20 }, (_, at) => `burst ${at + 1}`);
    const [firstHalf, secondHalf] = [burst.slice(0, 10), burst.slice(10)];
    for (const text of firstHalf) await demo.write(text);
    const killed = gateway.kill9();
    for (const text of secondHalf) await demo.write(text);
    await killed;
    await demo.shop.getByText('Reconnecting').waitFor();
    await demo.answer('Are you there?');
    await demo.page.getByText('The helpdesk does not answer').waitFor();
    await settles(() => demo.answerBox.inputValue(), 'Are you there?');

    await gateway.start();
    await demo.bothSee(['first', ...burst]);
    await settles(() => demo.page.getByText('Stream connected').count(), 1);
    await settles(() => demo.page.getByText('The helpdesk does not answer').count(), 0);
    await demo.answerBox.press('Enter');
    await demo.bothSee(['first', ...burst, 'Are you there?']);
    await demo.desk.locator('.mark.read').waitFor();

    await demo.page.reload();
    await demo.bothSee(['first', ...burst, 'Are you there?']);
    const stream = await gateway.api.stream();
    const received = stream.filter(({ type }) => type === 'message.received').map(({ data }) => data!.message!.text);
    expect(received.filter((text) => text.startsWith('burst'))).toEqual(burst);
    expect(await demo.page.locator('.pulled svg').count()).toBeGreaterThan(0);
    expect(demo.problems({ outage: true })).toEqual([]);
  });

  it('never sends the agent\u2019s words to another customer than the one they are for', async () => {
    const demo = await open();
    await demo.write('I am the first');
    await demo.desk.getByText('I am the first').waitFor();
    await demo.answerBox.fill('This is for the first');
    const other = await open();
    await other.write('I am the second');
    await demo.page.getByRole('button', { name: 'Newest' }).waitFor();
    await demo.answerBox.press('Enter');
    await demo.bothSee(['I am the first', 'This is for the first']);
    await demo.page.getByRole('button', { name: 'Newest' }).click();
    await settles(() => demo.helpdeskSees(), ['I am the second']);
    expect(await other.customerSees()).toEqual(['I am the second']);

    await demo.page.getByRole('button', { name: 'Close', exact: true }).first().click();
    await demo.page.locator('.pill.closed').waitFor();
    await other.write('one thing more');
    await settles(() => demo.page.locator('.pill').innerText(), 'open');
    await demo.events('conversation.reopened').first().waitFor();
    await demo.page.getByRole('button', { name: 'New visitor' }).click();
    await settles(() => demo.customerSees(), []);
    await demo.write('I am the third');
    await demo.bothSee(['I am the third']);
    expect([...demo.problems(), ...other.problems()]).toEqual([]);
  });

  it('says in words what it does not take, and takes twice what was clicked twice only once', async () => {
    const demo = await open();
    await demo.write('   ');
    await demo.box.fill('clicked twice');
    await demo.shop.getByRole('button', { name: 'Send' }).dblclick();
    await demo.desk.getByText('clicked twice').waitFor();
    await demo.box.fill('x'.repeat(100_000));
    await demo.shop.getByText('The text is too long by 90000 characters.').waitFor();
    await demo.box.press('Enter');
    await demo.box.fill('');
    const folder = await emptyFolder();
    await writeFile(join(folder, 'big.png'), '');
    await truncate(join(folder, 'big.png'), 30_000_000);
    await demo.shop.locator('input[type=file]').setInputFiles(join(folder, 'big.png'));
    await demo.shop.getByText('big.png is too large (29 MB). The limit is 25 MB.').waitFor();
    await removeFolder(folder);
    await demo.attach(Buffer.from('MZ\u0000 a program that calls itself a picture'), 'program.png');
    await demo.desk.getByRole('link', { name: 'program.png' }).waitFor();
    await demo.answer('answered');
    await demo.bothSee(['clicked twice', 'answered']);
    expect(await demo.pictureWidths()).toEqual({ customer: [], helpdesk: [] });
    expect(demo.problems()).toEqual([]);
  });

  it('leaves room for conversation and stream on small screens', async () => {
    const demo = await open();
    await demo.write('Hello');
    await demo.desk.getByText('Hello').waitFor();
    for (const [width, height] of [
      [1181, 800],
      [1024, 768],
      [861, 700],
    ] as const) {
      await demo.page.setViewportSize({ width, height });
      const [conversation, stream] = [await demo.desk.boundingBox(), await demo.page.locator('.events').boundingBox()];
      expect([width, conversation!.width > 250, stream!.width > 250]).toEqual([width, true, true]);
      expect(conversation!.height * stream!.height).toBeGreaterThan(100 * 100);
      await demo.page.getByRole('button', { name: 'Choices' }).click({ trial: true });
    }
    await shot(demo.page, 'small');
  });

  it('fits a phone, with a dot for news on the side that is not seen', async () => {
    const demo = await open({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    await demo.write('Hello from a phone');
    await demo.page.getByRole('img', { name: 'new messages' }).waitFor();
    await shot(demo.page, 'phone-customer');
    await demo.page.getByRole('button', { name: /Helpdesk/ }).click();
    await demo.answer('Hello to a phone');
    await settles(() => demo.helpdeskSees(), ['Hello from a phone', 'Hello to a phone']);
    await shot(demo.page, 'phone-helpdesk');
    await demo.page.getByRole('button', { name: /Customer/ }).click();
    await demo.chat.getByText('Hello to a phone').waitFor();
    await demo.page.getByRole('button', { name: /Stream/ }).click();
    await demo.events('message.received').first().getByRole('button').click();
    await shot(demo.page, 'phone-stream');
    expect(await violations(demo.page)).toEqual([]);
    const wide = await demo.page.evaluate('document.documentElement.scrollWidth > innerWidth');
    expect(wide).toBe(false);
    expect(demo.problems()).toEqual([]);
  });
});
