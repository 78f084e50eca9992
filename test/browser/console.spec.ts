import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';
import { inBrowser, violations } from './widget-stage.js';

inBrowser('a conversation in the console', (browser) => {
  let stage: Stage;
  let address: string;
  beforeAll(async () => {
    stage = await setStage();
    const text = '<img src=x onerror="document.title=1"> 报表导不出来';
    const conversation = await stage.conversation({ id: 'c-1', thread: 'li', name: '李雷 <b>', text });
    const { id } = await stage.reply(conversation, 'Please try again');
    await stage.settled(id, 'sent');
    for (let n = 0; n < 60; n += 1) await stage.write({ id: `more-${n}`, thread: 'li', text: `line ${n}` });
    address = `${stage.gateway.url}/console/conversations/${conversation}`;
  });
  afterAll(async () => {
    await stage?.close();
    await stopEverything();
  });

  it('is shown to who has a key, as text, page by page', async () => {
    const page = await browser.context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(address);
    await page.getByLabel('API key').fill('a key that nobody has');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').getByText('This key is not known.').waitFor();
    await page.getByLabel('API key').fill(stage.gateway.adminKey);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('line 59').waitFor();
    expect(await page.getByRole('heading').textContent()).toBe('李雷 <b>');
    await page.getByRole('button', { name: 'Earlier messages' }).click();
    await page.getByText('<img src=x onerror="document.title=1"> 报表导不出来').waitFor();
    const answer = page.getByRole('listitem').filter({ hasText: 'Please try again' });
    expect(await answer.textContent()).toMatch(/^Lin · .+Please try againsent$/);
    expect(await page.getByRole('listitem').count()).toBe(62);
    expect(await page.title()).toBe('Conversation');
    await page.reload();
    await until('the conversation after a reload', () => page.getByText('line 59').isVisible());
    expect(faults).toEqual([]);
  });

  it('can be used by everybody', async () => {
    const page = await (await browser.profile({ bypassCSP: true })).newPage();
    await page.goto(address);
    await page.getByLabel('API key').fill(stage.gateway.adminKey);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('line 59').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('loads nothing from elsewhere, and tells nothing without a key', async () => {
    const answer = await fetch(address);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).not.toContain('报表');
  });
});
