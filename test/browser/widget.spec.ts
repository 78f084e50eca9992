import { expect, it } from '@jest/globals';
import { eventually, inBrowser, PICTURE } from './widget-stage.js';

inBrowser('the widget', (stage) => {
  it('stays small, and leaves nothing on the page but its name', async () => {
    expect(stage.size.gzipped).toBeLessThan(30_000);
    const page = await stage.context.newPage();
    await page.goto(`${stage.server.url}/demo/shop`);
    const without = (await page.evaluate('Object.keys(window)')) as string[];
    await page.goto(`${stage.server.url}/page`);
    await stage.launcher(page).waitFor();
    const added = ((await page.evaluate('Object.keys(window)')) as string[]).filter((key) => !without.includes(key));
    expect(added.filter((key) => key !== 'Tributary')).toEqual([]);
    expect(await page.evaluate('typeof Tributary')).toBe('function');
    expect(await page.evaluate('document.querySelectorAll("body > *").length')).toBe(3);
  });

  it('sends and receives, with receipts both ways', async () => {
    const page = await stage.visit();
    expect(stage.server.visitors).toHaveLength(0);
    await stage.open(page);
    await stage.write(page, 'Hello there');
    await stage.sent(page, 'Hello there');
    await page.getByText('Sent', { exact: true }).waitFor();
    stage.server.readByHelpdesk();
    await page.getByText('Read', { exact: true }).waitFor();
    stage.server.typing(true);
    await page.locator('.dots').waitFor();
    stage.server.say('Good morning, see https://help.example/a_(b). <b>Bold</b>');
    await stage.log(page).getByText('<b>Bold</b>').waitFor();
    const link = stage.log(page).getByRole('link', { name: 'https://help.example/a_(b)', exact: true });
    expect(await link.getAttribute('rel')).toContain('noopener');
    await eventually(() => stage.server.visitor.readUpTo, 2);
  });

  it('resumes after a reload and after a crash of the gateway, without loss or doubles', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'one');
    await stage.sent(page, 'one');
    await page.reload();
    await stage.open(page);
    await stage.log(page).getByText('one', { exact: true }).waitFor();
    await stage.server.crash();
    stage.server.say('said while the gateway was away');
    await page.getByText('Reconnecting', { exact: false }).waitFor();
    await stage.write(page, 'two');
    await stage.write(page, 'three');
    await page.getByText('Waiting for connection').first().waitFor();
    await stage.server.start();
    await stage.sent(page, 'three');
    await stage.log(page).getByText('said while the gateway was away').waitFor();
    expect(stage.server.texts()).toEqual(['one', 'two', 'three']);
    expect(stage.server.visitors).toHaveLength(1);
    expect(await stage.log(page).locator('.mine .bubble').allTextContents()).toEqual(['one', 'two', 'three']);
  });

  it('sends once what was on its way when the page was reloaded', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'first');
    await stage.sent(page, 'first');
    stage.server.faults.swallowAccepted = true;
    await stage.write(page, 'stored, but never confirmed');
    await eventually(() => stage.server.texts().length, 2);
    await page.reload();
    await stage.open(page);
    stage.server.faults.swallowAccepted = false;
    await stage.sent(page, 'stored, but never confirmed');
    expect(stage.server.texts()).toEqual(['first', 'stored, but never confirmed']);
    expect(await stage.log(page).locator('.mine .bubble').count()).toBe(2);
  });

  it('keeps what is written offline, over a reload too', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'online');
    await stage.sent(page, 'online');
    await stage.context.setOffline(true);
    await page.getByText('You are offline', { exact: false }).waitFor();
    await stage.write(page, 'from a tunnel');
    await page.getByText('Waiting for connection').waitFor();
    expect(stage.server.texts()).toEqual(['online']);
    await page.close();
    await stage.context.setOffline(false);
    const again = await stage.visit();
    await eventually(() => stage.server.texts(), ['online', 'from a tunnel']);
    await stage.open(again);
    await stage.sent(again, 'from a tunnel');
  });

  it('shows the same in two tabs', async () => {
    const first = await stage.visit();
    const second = await stage.visit();
    await stage.open(first);
    await stage.write(first, 'from the first tab');
    await stage.sent(first, 'from the first tab');
    await stage.open(second);
    await stage.log(second).getByText('from the first tab').waitFor();
    await stage.write(second, 'from the second tab');
    await stage.log(first).getByText('from the second tab').waitFor();
    stage.server.say('to both');
    for (const page of [first, second]) await stage.log(page).getByText('to both').waitFor();
    expect(stage.server.visitors).toHaveLength(1);
    await first.evaluate("Tributary('shutdown')");
    await stage.log(second).getByText('to both').waitFor({ state: 'detached' });
  });

  it('never joins two people of one browser', async () => {
    const page = await stage.visit();
    await page.evaluate("Tributary('identify', { token: 'ada' })");
    await stage.open(page);
    await stage.write(page, 'a secret of Ada');
    await stage.sent(page, 'a secret of Ada');
    await page.evaluate("Tributary('identify', { token: 'bob' })");
    await stage.log(page).getByText('a secret of Ada').waitFor({ state: 'detached' });
    await stage.write(page, 'hello from Bob');
    await stage.sent(page, 'hello from Bob');
    expect(stage.server.visitors.map((v) => [v.user?.id, stage.server.texts(v)])).toEqual([
      ['ada', ['a secret of Ada']],
      ['bob', ['hello from Bob']],
    ]);
    await page.evaluate("Tributary('shutdown')");
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
    await stage.open(page);
    await page.locator('.greeting').waitFor();
    await stage.write(page, 'a third person');
    await stage.sent(page, 'a third person');
    expect(stage.server.texts()).toEqual(['a third person']);
    await page.evaluate("Tributary('identify', { token: 'ada' })");
    await stage.log(page).getByText('a secret of Ada').waitFor();
    expect(await stage.log(page).getByText('a third person').count()).toBe(0);
  });

  it('counts what is unread, and marks where the news begins', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'hello');
    await stage.sent(page, 'hello');
    await page.keyboard.press('Escape');
    stage.server.say('first answer');
    stage.server.say('second answer');
    await page.getByRole('button', { name: 'Open chat, 2 unread' }).waitFor();
    expect(stage.server.visitor.readUpTo).toBe(0);
    await eventually(() => stage.server.visitor.deliveredUpTo, 3);
    await page.reload();
    await page.getByRole('button', { name: 'Open chat, 2 unread' }).click();
    await page.locator('.separator.unread').waitFor();
    await eventually(() => stage.server.visitor.readUpTo, 3);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Open chat', exact: true }).waitFor();
  });

  it('calls back with messages and counts, until told off', async () => {
    const page = await stage.visit();
    await page.evaluate(
      "window.seen = []; window.note = (m) => seen.push(m.text); Tributary('on', 'message', note); Tributary('on', 'unread', (n) => seen.push(n))",
    );
    await stage.open(page);
    await stage.write(page, 'hello');
    await stage.sent(page, 'hello');
    await page.keyboard.press('Escape');
    stage.server.say('answer');
    await page.locator('.badge').waitFor();
    expect(await page.evaluate('seen')).toEqual([0, 'hello', 1, 'answer']);
    await page.evaluate("Tributary('off', 'message', note)");
    stage.server.say('unheard');
    await eventually(() => page.evaluate('seen'), [0, 'hello', 1, 'answer', 2]);
  });

  it('answers choices once and shows what was chosen, after a reload too', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'hi');
    await stage.sent(page, 'hi');
    const options = ['Red', 'Blue'].map((label) => ({ id: label.toLowerCase(), label }));
    stage.server.say([{ type: 'choices', text: 'Which colour?', options }]);
    await page.getByRole('button', { name: 'Blue' }).click();
    await eventually(() => stage.server.texts(), ['hi', 'Blue']);
    const answer = stage.server.visitor.messages.at(-1)?.parts[0];
    expect(answer).toMatchObject({ type: 'choice', optionId: 'blue', label: 'Blue', messageId: 'msg_thr_1_2' });
    await page.reload();
    await stage.open(page);
    expect(await page.getByRole('button', { name: 'Blue' }).getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByRole('button', { name: 'Red' }).isDisabled()).toBe(true);
  });

  it('sends pictures and files, shows them large, and says in words what cannot be sent', async () => {
    const page = await stage.visit();
    await stage.open(page);
    await stage.write(page, 'hi');
    await stage.sent(page, 'hi');
    const files = page.locator('input[type=file]');
    await files.setInputFiles([
      { name: 'sunset.png', mimeType: 'image/png', buffer: PICTURE },
      { name: 'huge.png', mimeType: 'image/png', buffer: Buffer.alloc(2_000_001) },
    ]);
    await page.getByRole('alert').getByText('huge.png is too large (1.9 MB). The limit is 1.9 MB.').waitFor();
    await files.setInputFiles([{ name: 'virus.exe', mimeType: 'application/x-msdownload', buffer: Buffer.alloc(9) }]);
    await page.getByText('virus.exe: files of this type cannot be sent.').waitFor();
    await stage.write(page, 'look');
    await eventually(() => stage.server.visitor.messages.length, 2);
    const [picture, text] = stage.server.visitor.messages[1]?.parts ?? [];
    expect(picture).toMatchObject({ type: 'media', kind: 'image', fileId: 'fil_1', name: 'sunset.png' });
    expect(text).toEqual({ type: 'text', text: 'look' });
    expect(stage.server.files.get('fil_1')?.bytes.equals(PICTURE)).toBe(true);
    await page.reload();
    await stage.open(page);
    const thumbnail = page.getByRole('button', { name: 'Open sunset.png' });
    await thumbnail.click();
    await page.getByRole('dialog', { name: 'sunset.png' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'sunset.png' }).waitFor({ state: 'detached' });
    expect(await stage.box(page).isVisible()).toBe(true);
  });

  it('tells of a failed upload and of a refused message, and tries again on demand', async () => {
    const page = await stage.visit();
    await stage.open(page);
    stage.server.faults.uploadStatus = 422;
    await page
      .locator('input[type=file]')
      .setInputFiles([{ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') }]);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('Not sent: the file looks dangerous').waitFor();
    stage.server.faults.uploadStatus = 0;
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => stage.server.visitor.messages.length, 1);
    stage.server.faults.refuse = true;
    await stage.write(page, 'a bad word');
    await page.getByText('Not sent: the message holds a forbidden word').waitFor();
    await page.reload();
    await stage.open(page);
    await page.getByText('Not sent: the message holds a forbidden word').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('a bad word').waitFor({ state: 'detached' });
    expect(stage.server.visitor.messages).toHaveLength(1);
  });
});
