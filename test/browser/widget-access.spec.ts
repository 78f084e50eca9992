import { expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { eventually, inBrowser, PICTURE, SHOTS, violations } from './widget-stage.js';

const FOCUSED =
  "document.querySelector('tributary-chat').shadowRoot.activeElement?.tagName ?? document.activeElement.id";
const IN_BOX = "document.querySelector('tributary-chat').shadowRoot.querySelector('textarea')";

inBrowser('the widget, for everybody', (stage) => {
  for (const scheme of ['light', 'dark'] as const) {
    for (const locale of ['en', 'zh'] as const) {
      it(`gives axe nothing to say: ${scheme}, ${locale}`, async () => {
        const context = await stage.profile({ colorScheme: scheme, reducedMotion: 'reduce' });
        const page = await stage.visit(`locale=${locale}&lang=${locale}`, context);
        expect(await violations(page)).toEqual([]);
        await stage.open(page);
        expect(await violations(page)).toEqual([]);
        await fill(page);
        expect(await violations(page)).toEqual([]);
        await stage.server.crash();
        await page.locator('.banner').waitFor();
        await stage.write(page, 'waits');
        expect(await violations(page)).toEqual([]);
      });
    }
  }

  /** Every kind of part, a choice, a failure, a tray. */
  async function fill(page: Page): Promise<void> {
    await stage.write(page, 'hi https://a.example');
    await page.locator('.mine').waitFor();
    await page.locator('.waiting').waitFor({ state: 'detached' });
    const { server } = stage;
    const { id, ...picture } = server.keep({ name: 'a.png', mimeType: 'image/png', bytes: PICTURE });
    const options = ['A', 'B'].map((label) => ({ id: label, label }));
    server.say([{ type: 'choices', text: 'Which?', options }]);
    await page.getByRole('button', { name: 'A', exact: true }).click();
    server.say([{ type: 'media', fileId: id, ...picture, state: 'ready' } as never]);
    server.say([{ type: 'media', kind: 'file', url: '/f', mimeType: 'a/b', bytes: 1, name: 'f', state: 'ready' }]);
    server.say([{ type: 'media', kind: 'image', mimeType: 'image/png', bytes: null, state: 'unavailable' }]);
    server.say([{ type: 'media', kind: 'voice', url: '/v', mimeType: 'audio/ogg', bytes: 9, state: 'ready' }]);
    server.say([{ type: 'location', latitude: 1, longitude: 2 }]);
    server.say([{ type: 'link', url: 'https://a.example', title: 'A' }]);
    server.say([{ type: 'link', url: 'javascript:alert(1)', title: 'Bad link' }]);
    server.say([{ type: 'card', title: 'Card', actions: [{ label: 'Go', url: 'https://a.example' }] }]);
    server.say([{ type: 'html', html: '<img src=x onerror=alert(1)>', text: 'from html' }]);
    server.say([{ type: 'unsupported', providerType: 'x' }]);
    server.say('Notice', { from: 'system' });
    server.typing(true);
    await page.getByText('Notice').waitFor();
    await page.getByText('from html').waitFor();
    expect(await page.getByRole('link', { name: 'Bad link' }).count()).toBe(0);
    server.faults.refuse = true;
    await stage.write(page, 'refused');
    await page.locator('.failed').waitFor();
    await page.locator('input[type=file]').setInputFiles([{ name: 'b.png', mimeType: 'image/png', buffer: PICTURE }]);
    await page.locator('.thumb').waitFor();
  }

  it('can be used with the keyboard alone', async () => {
    const page = await stage.visit();
    await page.locator('#host-link').focus();
    await page.keyboard.press('Tab');
    const launcher = stage.launcher(page);
    expect(await launcher.getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await launcher.getAttribute('aria-expanded')).toBe('true');
    await eventually(() => page.evaluate(FOCUSED), 'TEXTAREA');
    await page.keyboard.type('line one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('line two');
    await page.keyboard.press('Enter');
    await eventually(() => stage.server.visitors.length > 0 && stage.server.texts(), ['line one\nline two']);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await eventually(() => page.evaluate(FOCUSED), 'BUTTON');
    expect(await launcher.getAttribute('aria-expanded')).toBe('false');
  });

  it('keeps the focus within the sheet on a phone', async () => {
    const context = await stage.profile({ viewport: { width: 390, height: 844 } });
    const page = await stage.visit('', context);
    await stage.open(page);
    expect(await page.getByRole('dialog').getAttribute('aria-modal')).toBe('true');
    for (let n = 0; n < 8; n++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.tagName')).toBe('TRIBUTARY-CHAT');
    }
    expect(await page.getByRole('dialog').boundingBox()).toEqual({ x: 0, y: 0, width: 390, height: 844 });
  });

  it('does not send while an input method composes', async () => {
    const page = await stage.visit();
    await stage.open(page);
    const cdp = await stage.context.newCDPSession(page);
    await cdp.send('Input.imeSetComposition', { text: 'ni hao', selectionStart: 6, selectionEnd: 6 });
    await page.evaluate(
      `${IN_BOX}.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, composed: true }))`,
    );
    await page.evaluate(
      `${IN_BOX}.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, composed: true }))`,
    );
    expect(await stage.log(page).locator('.mine').count()).toBe(0);
    await cdp.send('Input.insertText', { text: '你好' });
    await page.keyboard.press('Enter');
    await stage.sent(page, '你好');
    expect(stage.server.texts()).toEqual(['你好']);
  });

  it('takes the focus only when a person asks for it, and keys only what is typed in it', async () => {
    const page = await stage.visit();
    await page.evaluate("window.keys = []; addEventListener('keydown', (e) => keys.push(e.key))");
    await page.locator('#host-input').focus();
    await page.evaluate("setTimeout(() => Tributary('open'), 0)");
    await stage.box(page).waitFor();
    await page.keyboard.type('page');
    expect(await page.locator('#host-input').inputValue()).toBe('page');
    await stage.write(page, 'hi');
    await stage.sent(page, 'hi');
    await page.locator('#host-input').focus();
    stage.server.say('Look here!');
    await stage.log(page).getByText('Look here!').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('host-input');
    expect(await page.evaluate('keys')).toEqual(['p', 'a', 'g', 'e']);
  });

  it('looks the same on a page with hostile styles', async () => {
    const boxes = [];
    for (const query of ['', 'hostile']) {
      const page = await stage.visit(query, await stage.profile());
      await stage.open(page);
      await stage.write(page, 'Hello, world');
      await stage.sent(page, 'Hello, world');
      await page.waitForTimeout(400);
      const style = `(() => { const s = getComputedStyle(${IN_BOX}); return [s.fontSize, s.letterSpacing, s.direction, s.textTransform, s.color]; })()`;
      const parts = [stage.launcher(page), page.getByRole('dialog'), stage.box(page), page.locator('.mine .bubble')];
      boxes.push([await page.evaluate(style), ...(await Promise.all(parts.map((part) => part.boundingBox())))]);
      if (query) await page.screenshot({ path: `${SHOTS}/state-hostile-page.png` });
    }
    expect(boxes[1]).toEqual(boxes[0]);
  });

  it('works under a strict Content-Security-Policy, and without storage', async () => {
    const strict = await stage.visit('csp=1');
    await stage.open(strict);
    expect((await strict.getByRole('dialog').boundingBox())?.width).toBe(392);
    const context = await stage.profile();
    await context.addInitScript(
      "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })",
    );
    const page = await stage.visit('', context);
    await stage.open(page);
    await stage.write(page, 'from memory');
    await stage.sent(page, 'from memory');
    expect(stage.server.texts()).toEqual(['from memory']);
  });

  it('takes calls that were made before it was loaded', async () => {
    const page = await stage.context.newPage();
    await page.addInitScript(
      'window.Tributary = function () { (Tributary.q = Tributary.q || []).push(arguments); }; Tributary("open")',
    );
    await page.goto(`${stage.server.url}/page`);
    await stage.box(page).waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('BODY');
  });

  it('follows its attributes', async () => {
    const page = await stage.visit(
      'position=left&theme=dark&accent=gold&title=Ask%20Ada&greeting=Good%20day&locale=zh',
    );
    await stage.open(page);
    await page.getByText('Good day').waitFor();
    expect(await page.getByRole('dialog', { name: 'Ask Ada' }).boundingBox()).toMatchObject({ x: 20 });
    expect(await stage.box(page).getAttribute('placeholder')).toBe('输入消息…');
    const colours = `(() => { const s = getComputedStyle(document.querySelector('tributary-chat').shadowRoot.querySelector('.launcher')); return [s.backgroundColor, s.color]; })()`;
    expect(await page.evaluate(colours)).toEqual(['rgb(255, 215, 0)', 'rgb(0, 0, 0)']);
    await page.screenshot({ path: `${SHOTS}/state-themed.png` });
  });

  it('takes pictures by pasting and by dropping', async () => {
    const page = await stage.visit();
    await stage.open(page);
    const give = (type: string, property: string, target: string) => `(() => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob('${PICTURE.toString('base64')}'), (c) => c.charCodeAt(0))], '${type}.png', { type: 'image/png' }));
      const event = new Event('${type}', { bubbles: true, cancelable: true, composed: true });
      Object.defineProperty(event, '${property}', { value: data });
      ${target}.dispatchEvent(event);
    })()`;
    await page.evaluate(give('paste', 'clipboardData', IN_BOX));
    await page.evaluate(give('dragover', 'dataTransfer', IN_BOX));
    await page.getByText('Drop files to send them').waitFor();
    await page.screenshot({ path: `${SHOTS}/state-drop.png` });
    await page.evaluate(give('drop', 'dataTransfer', IN_BOX));
    await page.getByRole('button', { name: 'Remove paste.png' }).waitFor();
    await page.getByRole('button', { name: 'Remove drop.png' }).click();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await eventually(() => [...stage.server.files.values()].map((file) => file.name), ['paste.png']);
  });
});
