import { expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { inBrowser, PICTURE, SHOTS, type Stage } from './widget-stage.js';

function conversation(stage: Stage, zh: boolean): void {
  const { server } = stage;
  const picture = server.keep({ name: 'export.png', mimeType: 'image/png', bytes: PICTURE });
  const media = {
    type: 'media',
    kind: 'image',
    fileId: picture.id,
    url: picture.url,
    mimeType: picture.mimeType,
  } as const;
  server.say(zh ? '您好！我是米娅，请问有什么可以帮您？' : 'Hello! I am Mia. What can I do for you today?');
  server.say(
    zh
      ? '如果方便，请发一张截图给我。'
      : 'A screenshot helps, if you have one at hand. https://help.example/export explains how.',
  );
  server.say([{ ...media, bytes: 2_048, name: 'export.png', width: 320, height: 210, state: 'ready' }]);
  server.say([
    {
      type: 'choices',
      text: zh ? '您使用的是哪个版本？' : 'Which plan are you on?',
      options: ['Starter', 'Team', 'Enterprise'].map((label) => ({ id: label, label })),
    },
  ]);
}

async function shot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${SHOTS}/${name}.png` });
}

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

inBrowser('the widget in pictures', (stage) => {
  for (const size of ['desktop', 'phone'] as const) {
    for (const scheme of ['light', 'dark'] as const) {
      for (const locale of ['en', 'zh'] as const) {
        it(`${size} ${scheme} ${locale}: greeting, conversation`, async () => {
          const context = await stage.profile({ viewport: SIZES[size], colorScheme: scheme });
          const zh = locale === 'zh';
          const page = await stage.visit(`locale=${locale}&lang=${locale}`, context);
          await stage.open(page);
          await page.locator('.greeting').waitFor();
          await shot(page, `${size}-${scheme}-${locale}-empty`);
          await stage.write(page, zh ? '你好，我的报表导不出来。' : 'Hi, my report does not export.');
          await stage.sent(page, zh ? '你好，我的报表导不出来。' : 'Hi, my report does not export.');
          stage.server.readByHelpdesk();
          conversation(stage, zh);
          await page.getByRole('button', { name: 'Team' }).click();
          await stage.write(
            page,
            zh ? '点击导出后一直转圈。' : 'It spins forever after I press Export, with both CSV and Excel.',
          );
          await page.locator('.waiting').waitFor({ state: 'detached' });
          stage.server.readByHelpdesk();
          stage.server.typing(true);
          await page.locator('.dots').waitFor();
          await shot(page, `${size}-${scheme}-${locale}-conversation`);
          expect(await page.locator('.picture.shown').count()).toBe(1);
        });
      }
    }
  }

  it('states: launcher, preview and badge, offline, failed, unread, tray, parts, lightbox', async () => {
    const page = await stage.visit('accent=%230f766e&position=right');
    await shot(page, 'state-launcher');
    await stage.open(page);
    await stage.write(page, 'Hello?');
    await stage.sent(page, 'Hello?');
    await page.keyboard.press('Escape');
    stage.server.say(
      'Good morning! Your parcel left the warehouse an hour ago, so it should be with you tomorrow before noon.',
    );
    stage.server.say('Anything else?');
    await page.locator('.badge').waitFor();
    await shot(page, 'state-preview');
    await stage.open(page);
    await shot(page, 'state-unread');
    await stage.server.crash();
    await stage.write(page, 'Yes: can it be left with the neighbour?');
    await page.locator('.banner').waitFor();
    await page.waitForTimeout(900);
    await shot(page, 'state-offline');
    stage.server.faults.refuse = true;
    await stage.server.start();
    await page.getByText('Not sent', { exact: false }).waitFor();
    await shot(page, 'state-failed');
    stage.server.faults.refuse = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.waiting').waitFor({ state: 'detached' });
    const files = [
      { name: 'front door.png', mimeType: 'image/png', buffer: PICTURE },
      { name: 'contract-2026-final.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(310_000) },
      { name: 'backup.iso', mimeType: 'application/x-iso9660-image', buffer: Buffer.alloc(10) },
    ];
    await page.locator('input[type=file]').setInputFiles(files);
    await stage.box(page).fill('Here is the door');
    await shot(page, 'state-tray');
    stage.server.say([
      {
        type: 'location',
        latitude: 31.2304,
        longitude: 121.4737,
        name: 'Pick-up point',
        address: '100 Century Avenue, Shanghai',
      },
      {
        type: 'link',
        url: 'https://shop.example/returns',
        title: 'Returns',
        description: 'How to send something back within 30 days.',
      },
    ]);
    stage.server.say([
      {
        type: 'media',
        kind: 'file',
        url: '/files/x',
        mimeType: 'application/pdf',
        bytes: 482_133,
        name: 'invoice-2026-114.pdf',
        state: 'ready',
      },
    ]);
    stage.server.say([
      {
        type: 'card',
        title: 'Linen notebook, A5',
        text: '192 pages, lies flat',
        actions: [
          { label: 'View', url: 'https://shop.example/a5' },
          { label: 'Reserve one', id: 'reserve' },
        ],
      },
    ]);
    stage.server.say([
      { type: 'contact-card', name: 'Sam Driver', handles: [{ scheme: 'phone', value: '+44 20 7946 0000' }] },
    ]);
    stage.server.say([{ type: 'unsupported', providerType: 'poll' }]);
    await shot(page, 'state-parts');
    expect(await page.locator('.card').count()).toBe(5);
    await stage.box(page).fill('');
    await page.getByRole('button', { name: 'Remove contract-2026-final.pdf' }).click();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('button', { name: 'Open front door.png' }).click();
    await shot(page, 'state-lightbox');
    stage.server.faults.silent = true;
    await page.reload();
    await stage.open(page);
    await page.locator('.skeleton').waitFor();
    await shot(page, 'state-loading');
  });
});
