import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { WebchatConfig } from '#channels';
import { describeOnEmbedded } from '#database/testing';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Page } from 'playwright-core';
import { ChatBench } from '../../apps/gateway/src/chat/testing/chat-bench.js';
import { hostPage } from '../../apps/widget/testing/index.js';
import { eventually, inBrowser, SHOTS, violations } from './widget-stage.js';

const EMAIL = 'wang@example.com';

/** The real chat server and store behind the real widget. */
describeOnEmbedded('the form before the first message', (open) => {
  let bench: ChatBench;
  beforeAll(async () => void (bench = await ChatBench.open(open)));
  afterAll(() => bench.stop());
  beforeEach(() => bench.db.query('truncate code, unit, outbox, introduction'));

  afterEach(() => expect(bench.errors.splice(0)).toEqual([]));

  inBrowser('in the browser', (stage) => {
    const offer = (prechat: object) =>
      bench.account('web', { origins: ['*'], prechat } as unknown as Partial<WebchatConfig>);
    const serve = () => {
      bench.http.removeAllListeners('request');
      const page = hostPage(stage.folder);
      bench.http.on('request', (request: IncomingMessage, response: ServerResponse) => void page(request, response));
    };
    const visit = async (query = ''): Promise<Page> => {
      serve();
      const page = await stage.context.newPage();
      await page.goto(`http://127.0.0.1:${bench.port}/page?${query}`);
      await stage.launcher(page).click();
      return page;
    };
    const reload = async (page: Page) => {
      await page.reload();
      await stage.launcher(page).click();
    };
    const shot = async (page: Page, name: string) => {
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${SHOTS}/${name}.png` });
    };
    const send = (page: Page) => page.getByRole('button', { name: /^(Send|发送)$/ }).click();

    it('is filled in by keyboard, proven by a code, and begins the conversation; a reload loses nothing', async () => {
      offer({
        title: 'Tell us a little, and we answer sooner',
        fields: {
          name: {},
          email: { required: true },
          phone: {},
          product: { required: true, options: ['Nova', 'Lumen'] },
        },
        verify: 'required',
      });
      const page = await visit();
      await eventually(() => page.evaluate('document.activeElement.shadowRoot?.activeElement?.id'), 'name');
      expect(await stage.box(page).count()).toBe(0);
      await page.keyboard.type('王芳');
      await page.getByLabel('Email').fill('no address');
      await page.getByLabel('Phone').fill('12');
      await page.keyboard.press('Enter');
      await page.getByText('Please fill this in.').waitFor();
      await eventually(() => page.evaluate('document.activeElement.shadowRoot?.activeElement?.id'), 'phone');
      expect(await page.getByLabel('Email').getAttribute('aria-invalid')).toBe('true');
      expect(await violations(page)).toEqual([]);
      await shot(page, 'form-faults');
      await page.getByLabel('Phone').fill('138 0013 8000');
      await page.getByLabel('Email').fill(EMAIL);
      await page.getByLabel('Product').selectOption('Nova');
      await shot(page, 'form-fields');
      await send(page);
      await page.getByText('Enter the code sent to +8613800138000.').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Change' }).click();
      await page.getByLabel('Phone').fill('');
      await send(page);
      await page.getByText(`Enter the code sent to ${EMAIL}.`).waitFor();
      await eventually(async () => (await bench.codeFor(EMAIL)) !== 'none', true);
      await reload(page);
      await page.getByText(`Enter the code sent to ${EMAIL}.`).waitFor();
      await page.getByLabel('Code').fill('abc');
      await page.keyboard.press('Enter');
      await page.getByText('This code is wrong or no longer valid.').waitFor();
      await shot(page, 'form-code');
      await page.getByLabel('Code').fill(await bench.codeFor(EMAIL));
      await page.keyboard.press('Enter');
      await stage.box(page).waitFor();
      await reload(page);
      await stage.write(page, 'Hello there');
      await stage.sent(page, 'Hello there');
      const [event] = await bench.db.query<{ data: object }>(`select data from event where type = 'message.received'`);
      expect(event!.data).toMatchObject({
        conversation: { metadata: { product: 'Nova' } },
        contact: { name: '王芳', handles: [{ scheme: 'visitor' }, { value: EMAIL, proof: 'verified' }] },
      });
      await reload(page);
      await stage.log(page).getByText('Hello there').waitFor();
      expect(await page.locator('.form').count()).toBe(0);
      await shot(page, 'form-over');
    });

    it('may be gone past where a code is optional, in Chinese, on a phone, in the dark', async () => {
      offer({
        fields: { phone: { required: true }, questionType: { options: ['账单', '技术支持'] } },
        verify: 'optional',
      });
      serve();
      const context = await stage.profile({
        viewport: { width: 390, height: 844 },
        colorScheme: 'dark',
        locale: 'zh-CN',
      });
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${bench.port}/page?lang=zh`);
      await stage.launcher(page).click();
      await page.getByLabel('手机号码').fill('１３８ ００１３ ８０００');
      await page.getByLabel('咨询类型').selectOption('账单');
      await shot(page, 'form-phone-dark-zh');
      await send(page);
      await page.getByText('+8613800138000').waitFor();
      await shot(page, 'form-code-phone-dark-zh');
      await page.getByRole('button', { name: '跳过' }).click();
      await stage.write(page, '你好');
      await stage.sent(page, '你好');
      const [row] = await bench.db.query(
        `select metadata from conversation where metadata->>'questionType' is not null order by created_at desc limit 1`,
      );
      expect(row).toEqual({ metadata: { questionType: '账单' } });
    });

    it('comes up over what was written before the gateway asked, which is sent behind it', async () => {
      offer({ fields: { name: { required: true } } });
      serve();
      const page = await stage.context.newPage();
      await page.goto(`http://127.0.0.1:${bench.port}/page`);
      await page.evaluate(`window.Tributary('open')`);
      await page.getByLabel('Name').waitFor();
      bench.account('web', { origins: ['*'] });
      await reload(page);
      await stage.box(page).waitFor();
      offer({ fields: { name: { required: true } } });
      bench.server.review();
      await stage.write(page, 'too early');
      await page.getByLabel('Name').fill('Ann');
      await page.keyboard.press('Enter');
      await stage.sent(page, 'too early');
      const [row] = await bench.db.query(`select author->>'name' as name from message where text = 'too early'`);
      expect(row).toEqual({ name: 'Ann' });
    });
  });
});
