import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Overloaded } from '#conversations';
import { describeOnPostgres } from '#database/testing';
import { ChatBench } from '../../apps/gateway/src/chat/testing/chat-bench.js';

jest.setTimeout(120_000);

/** A fiftieth of the participants of the fault list. */
const WINDOWS = 200;
const ANSWERS = 10;

describeOnPostgres('web chat', (open) => {
  let bench: ChatBench;

  beforeAll(async () => void (bench = await ChatBench.open(open)));
  afterAll(async () => {
    await bench.stop();
    await bench.db.close();
  });

  it(`shows each answer once and in order in ${WINDOWS} windows on one conversation`, async () => {
    const first = await bench.visitor();
    const { id } = await first.say('question');
    const { session } = first.welcome;
    const windows = [first];
    while (windows.length < WINDOWS) windows.push(await bench.visitor({ session, after: 1 }));
    const told = Array.from({ length: ANSWERS }, (_, n) => `answer ${n}`);
    for (const text of told) await bench.answer(id, text);
    for (const window of windows) {
      await window.until((frame) => frame.type === 'message' && frame.text === told.at(-1));
      const answers = window.messages().flatMap(({ from, text }) => (from === 'agent' ? [text] : []));
      expect(answers).toEqual(told);
    }
  });

  it('asks the browser to come again while more comes in than is stored, and takes it then', async () => {
    const visitor = await bench.visitor();
    const accept = bench.intake.accept.bind(bench.intake);
    bench.intake.accept = () => Promise.reject(new Overloaded(3));
    const frame = { type: 'message', clientId: 'in-a-flood-1', parts: [{ type: 'text', text: 'hello' }] } as const;
    visitor.send(frame);
    const refused = await visitor.next('refused');
    expect(refused).toMatchObject({ clientId: frame.clientId, code: 'unavailable', retryAfterMs: 3_000 });
    bench.intake.accept = accept;
    visitor.send(frame);
    expect(await visitor.next('accepted')).toMatchObject({ clientId: frame.clientId, seq: 1 });
  });
});
