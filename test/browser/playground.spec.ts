import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startGateway, stopEverything, type Gateway } from '../support/index.js';
import { inBrowser, violations } from './widget-stage.js';

inBrowser('the playground', (stage) => {
  let gateway: Gateway;
  beforeAll(async () => {
    const account = {
      id: 'bridge',
      type: 'http',
      config: { secret: 'a secret of the bridge', url: 'http://127.0.0.1:1/out' },
    };
    gateway = await startGateway({ config: { playground: true, accounts: [account] } });
  });
  afterAll(stopEverything);

  it('shows step by step what a channel makes of a recorded request and of an answer', async () => {
    const page = await stage.context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(`${gateway.url}/playground`);
    await page.getByLabel('Admin key').fill(gateway.adminKey);
    await page.getByLabel('Admin key').blur();
    await page.getByLabel('Channel').selectOption('http');
    await page.getByLabel('Account').selectOption('bridge');
    await page.getByLabel('Recorded request').selectOption({ label: 'text' });
    await page.getByRole('button', { name: 'Look' }).click();
    const step = (name: RegExp) => page.locator('section', { has: page.getByRole('heading', { name }) });
    await step(/Verification/)
      .getByText(/Not genuine: .+ It is read below all the same/)
      .waitFor();
    await step(/Parsed events/)
      .getByText('"dedupeKey": "message:m-1001"')
      .waitFor();
    await step(/Contact and conversation/)
      .getByText('new contact 王芳, opens a conversation')
      .waitFor();
    await step(/The answer/)
      .getByText('1 message of the provider')
      .waitFor();
    expect((await gateway.api.stream()).length).toBe(0);

    await page.getByLabel('Request', { exact: true }).fill('{ "json": { "type": "message" } }');
    await page.getByRole('button', { name: 'Look' }).click();
    await step(/Parsed events/)
      .getByText(/^malformed: /)
      .waitFor();
    await page.getByLabel('Request', { exact: true }).fill('{ "json": ');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByRole('alert').getByText(/JSON/).waitFor();
    expect(faults).toEqual([]);
  });

  it('can be used by everybody', async () => {
    const page = await (await stage.profile({ bypassCSP: true })).newPage();
    await page.goto(`${gateway.url}/playground`);
    expect(await violations(page)).toEqual([]);
  });

  it('is not there unless the settings say so', async () => {
    const closed = await startGateway();
    expect((await fetch(`${closed.url}/playground`)).status).toBe(404);
    expect((await closed.api.get('/v1/playground/channels')).status).toBe(404);
  });
});
