import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeOnEmbedded } from '#database/testing';
import type { InboundMessage } from '#normalizer';
import { ChatBench, SHOP } from './testing/chat-bench.js';

describeOnEmbedded('the language of a browser', (open) => {
  let bench: ChatBench;
  beforeAll(async () => {
    bench = await ChatBench.open(open);
  });
  afterAll(() => bench.stop());

  it.each([
    ['de-AT,de;q=0.9,en;q=0.8', 'de-AT'],
    ['zh', 'zh'],
    ['*', undefined],
    [`${'x'.repeat(4_000)}-DE`, 'x'.repeat(35)],
    [undefined, undefined],
  ])('%p goes with the message as %p', async (header, language) => {
    const accept = jest.spyOn(bench.intake, 'accept');
    const browser = await bench.connect(SHOP, header === undefined ? {} : { 'accept-language': header });
    browser.send({ type: 'hello', account: 'web', after: 0 });
    await browser.next('caught-up');
    await browser.say('ok');
    const [event] = accept.mock.calls.at(-1)![1] as readonly InboundMessage[];
    expect(event!.language).toBe(language);
    browser.ws.terminate();
  });
});
