import { afterEach, describe, expect, it } from '@jest/globals';
import { selfSigned } from '#transport/testing';
import { smsSmpp } from './sms-smpp.adapter.js';
import { Command, frame } from './pdu.js';
import { UDHI } from './segments.js';
import { Tlv } from './message.js';
import { Account, until } from './testing/account.js';
import { deliver, FakeSmsc, type SmscOptions } from './testing/fake-smsc.js';

const LONG = 'a'.repeat(200);
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function smscWith(options: SmscOptions = {}): Promise<FakeSmsc> {
  const smsc = await FakeSmsc.start(() => ({}), options);
  closing.push(() => smsc.close());
  return smsc;
}

async function opened(smsc: FakeSmsc, more: object = {}, shared?: Map<string, Promise<string>>): Promise<Account> {
  const account = await new Account(smsc.port, more, shared).open();
  closing.push(() => account.close());
  return account;
}

const submits = ({ heard }: FakeSmsc) => heard.filter(({ command }) => command === Command.submitSm);
const only =
  (path: string, answer: object | 'hang' | 'reset') =>
  ({ path: asked }: { path: string }) =>
    asked === path ? answer : {};

describe('a connection', () => {
  it('is encrypted, and the certificate is checked', async () => {
    const own = selfSigned('smsc.example');
    const smsc = await smscWith({ tls: own });
    const account = await opened(smsc, { tls: { ca: own.cert } });
    expect(await account.send('hello')).toEqual(['id-1']);
    await expect(new Account(smsc.port, { tls: {} }).open()).rejects.toMatchObject({
      ...{ code: 'unavailable', message: expect.stringMatching(/certificate/) },
    });
    await expect(new Account(smsc.port).open()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('goes nowhere that the guard refuses', async () => {
    const smsc = await smscWith();
    const account = new Account(smsc.port, { host: '169.254.169.254' });
    await expect(account.open()).rejects.toMatchObject({ message: expect.stringContaining('network.allow') });
  });

  it('is two where the provider wants it, and ends with either', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { bind: 'separate' });
    expect(smsc.requests.map(({ path }) => path)).toEqual(['/bind_receiver', '/bind_transmitter']);
    expect(await account.send('hello')).toEqual(['id-1']);
    expect(await smsc.say(deliver({ octets: Buffer.from('hi') }))).toBe(true);
    expect(account.texts).toEqual(['hi']);
    smsc.cut();
    await until(() => account.lost.length > 0);
    await account.close();
    expect(account.lost).toHaveLength(1);
    await until(() => smsc.connections === 0);
  });

  it('is lost when the other side says nothing any more, and what was handed over has an unknown outcome', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { enquireLinkS: 1, timeoutMs: 300 });
    smsc.options.silent = true;
    expect(await account.send('into the dark')).toMatchObject({ code: 'outcome-unknown' });
    await until(() => account.lost.length > 0);
    expect(account.lost).toMatchObject([{ code: 'unavailable' }]);
    expect(await account.send('later')).toMatchObject({ code: 'unavailable' });
    expect(submits(smsc)).toHaveLength(1);
  });

  it('answers enquire_link and unbind, and what it does not know', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    expect(await smsc.ask(frame({ command: Command.enquireLink, sequence: 0 }))).toMatchObject({ command: 0x80000015 });
    expect(await smsc.ask(frame({ command: 0x999, sequence: 0 }))).toMatchObject({ command: 0x80000000, status: 3 });
    expect(await smsc.ask(frame({ command: Command.unbind, sequence: 0 }))).toMatchObject({ command: 0x80000006 });
    await until(() => account.lost.length > 0);
    expect(account.lost[0]?.message).toMatch(/ended/);
  });

  it('waits for answers that are due before it takes leave', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    let release = (): void => undefined;
    const held = new Promise<object>((done) => (release = () => done({})));
    smsc.answer(({ path }) => (path === '/submit_sm' ? held : {}));
    const sending = account.send('on the way');
    await until(() => submits(smsc).length > 0);
    const closed = account.close();
    expect(smsc.heard.some(({ command }) => command === Command.unbind)).toBe(false);
    release();
    expect(await sending).toEqual(['id-1']);
    await closed;
    expect(smsc.heard.at(-1)?.command).toBe(Command.unbind);
    expect(account.lost).toEqual([]);
  });
});

describe('sending', () => {
  it('keeps no more requests waiting than the window', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { window: 2 });
    const waiting: (() => void)[] = [];
    smsc.answer(() => new Promise((done) => waiting.push(() => done({}))));
    const sending = ['a', 'b', 'c', 'd', 'e'].map((text) => account.send(text));
    let most = 0;
    for (let sent = 0; sent < 5; sent += 1) {
      await until(() => waiting.length > 0);
      most = Math.max(most, waiting.length);
      waiting.shift()!();
    }
    expect(await Promise.all(sending)).toHaveLength(5);
    expect(most).toBeLessThanOrEqual(2);
    expect(new Set(smsc.submitted.map(({ text }) => text)).size).toBe(5);
  });

  it('has an unknown outcome when the answer is lost with the link; what waited for the window was not handed over', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { window: 1 });
    smsc.answer(only('/submit_sm', 'hang'));
    const sending = [account.send('first'), account.send('second')];
    await until(() => submits(smsc).length > 0);
    smsc.cut();
    expect(await Promise.all(sending)).toMatchObject([{ code: 'outcome-unknown' }, { code: 'unavailable' }]);
    expect(submits(smsc)).toHaveLength(1);
  });

  it('takes a generic_nack for the refusal that it is', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    smsc.answer(({ path }) =>
      path === '/submit_sm' ? { body: frame({ command: Command.genericNack, status: 3, sequence: 2 }) } : {},
    );
    expect(await account.send('hello')).toMatchObject({ code: 'config-invalid', providerCode: '0x00000003' });
  });

  it('takes an answer to something else for unreadable', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    smsc.answer(() => ({ body: frame({ command: 0x80000015, sequence: 2 }) }));
    expect(await account.send('hello')).toMatchObject({ code: 'reply-unreadable' });
  });

  it.each([
    ['udh8', [UDHI, UDHI], '050003', [153, 47]],
    ['udh16', [UDHI, UDHI], '060804', [152, 48]],
    ['sar', [0, 0], '616161', [153, 47]],
  ])('divides by %s', async (...[longMessages, esm, start, lengths]) => {
    const smsc = await smscWith();
    const account = await opened(smsc, { longMessages });
    expect(await account.send(LONG)).toEqual(['id-2', 'id-1']);
    expect(smsc.submitted.map(({ esmClass }) => esmClass)).toEqual(esm);
    expect(smsc.submitted.map(({ octets }) => octets.toString('hex').slice(0, 6))).toEqual([start, start]);
    expect(smsc.submitted.map(({ text }) => text.length)).toEqual(lengths);
    expect(smsc.submitted.map(({ registeredDelivery }) => registeredDelivery)).toEqual([2, 1]);
    expect(smsc.requests.at(-1)?.body.toString()).toBe(LONG);
  });

  it('puts a long text into one payload where it is told to', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { longMessages: 'payload', validityS: 93_784 });
    expect(await account.send(LONG)).toEqual(['id-1']);
    expect(smsc.submitted[0]?.tlvs.get(Tlv.payload)?.toString()).toBe(LONG);
    expect(smsc.submitted[0]?.validity).toBe('000001020304000R');
  });

  it('divides neither an escape nor a surrogate pair', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    await account.send(`${'a'.repeat(152)}€${'b'.repeat(20)}`);
    expect(smsc.submitted.map(({ text }) => text.length)).toEqual([152, 21]);
    await account.send(`${'中'.repeat(66)}😀${'文'.repeat(10)}`);
    expect(smsc.submitted.slice(2).map(({ text }) => [...text].length)).toEqual([66, 11]);
  });

  it('goes on with a long message where the message centre made it wait, and sends no part twice', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    let submitted = 0;
    smsc.answer(({ path }) => (path === '/submit_sm' && (submitted += 1) === 2 ? { body: { status: 0x58 } } : {}));
    const unit = account.unit('a'.repeat(400));
    expect(await account.send(unit)).toMatchObject({ code: 'throttled', providerCode: '0x00000058' });
    expect(await account.send(unit)).toHaveLength(3);
    const numbers = smsc.submitted.map(({ octets }) => [...octets.subarray(3, 6)]);
    const [reference] = numbers[0]!;
    expect(numbers).toEqual([1, 2, 2, 3].map((number) => [reference, 3, number]));
  });

  it('goes on with it over another connection, and in another process', async () => {
    const smsc = await smscWith();
    const first = await opened(smsc);
    let submitted = 0;
    smsc.answer(({ path }) => (path === '/submit_sm' && (submitted += 1) === 2 ? { body: { status: 0x14 } } : {}));
    const unit = first.unit('a'.repeat(400));
    expect(await first.send(unit)).toMatchObject({ code: 'throttled' });
    await first.close();
    const second = await opened(smsc, {}, first.shared);
    expect(await second.send(unit)).toHaveLength(3);
    const numbers = smsc.submitted.map(({ octets }) => [...octets.subarray(3, 6)]);
    expect(numbers).toEqual([1, 2, 2, 3].map((number) => [numbers[0]![0], 3, number]));
  });

  it('does not begin anew where nobody could keep what was taken', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    let submitted = 0;
    smsc.answer(({ path }) => {
      if (path !== '/submit_sm' || (submitted += 1) !== 2) return {};
      account.keeps = false;
      return { body: { status: 0x58 } };
    });
    expect(await account.send('a'.repeat(400))).toMatchObject({ code: 'outcome-unknown' });
    // Nothing was handed over of this one.
    expect(await account.send('b'.repeat(400))).toMatchObject({ code: 'unavailable' });
    expect(submits(smsc)).toHaveLength(2);
  });

  it('does not begin anew when the connection ended between two parts', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    const taken = frame({ command: 0x80000004, sequence: 2, body: Buffer.from('id-1\0') });
    smsc.answer(() => ({ body: Buffer.concat([taken, frame({ command: Command.unbind, sequence: 1 })]) }));
    expect(await account.send('a'.repeat(400))).toMatchObject({ code: 'outcome-unknown' });
    expect(smsc.submitted).toHaveLength(1);
  });

  it('does not go on over another connection: some parts were taken, and nobody knows of the rest', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    let submitted = 0;
    smsc.answer(({ path }) => (path === '/submit_sm' && (submitted += 1) === 2 ? 'reset' : {}));
    expect(await account.send('a'.repeat(400))).toMatchObject({ code: 'outcome-unknown' });
  });

  it.each([
    ['national', { numbers: 'national', defaultCountry: 'DE' }, [2, 1, '15112345678']],
    ['plus', { numbers: 'plus' }, [1, 1, '+4915112345678']],
    ['international', {}, [1, 1, '4915112345678']],
    ['with types of its own', { destinationTon: 0, destinationNpi: 6 }, [0, 6, '4915112345678']],
  ])('writes numbers as the provider wants them: %s', async (_name, more, [ton, npi, address]) => {
    const smsc = await smscWith();
    const account = await opened(smsc, more as object);
    await account.send('hello');
    expect(smsc.submitted[0]?.destination).toEqual({ ton, npi, address });
  });

  it.each([
    ['+4915100', { ton: 1, npi: 1, address: '4915100' }],
    ['80808', { ton: 3, npi: 0, address: '80808' }],
    ['My Shop', { ton: 5, npi: 0, address: 'My Shop' }],
  ])('comes from %s', async (from, source) => {
    const smsc = await smscWith();
    await (await opened(smsc, { from })).send('hello');
    expect(smsc.submitted[0]?.source).toEqual(source);
  });

  it('writes Latin-1 where that is the default alphabet, and UCS-2 where it has not all', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { alphabet: 'latin1' });
    for (const text of ['Äpfel @ [5]', '5 €']) await account.send(text);
    expect(smsc.submitted.map(({ dataCoding, octets }) => [dataCoding, octets.toString('hex')])).toEqual([
      [0, Buffer.from('Äpfel @ [5]', 'latin1').toString('hex')],
      [8, '0035002020ac'],
    ]);
  });

  it('asks nothing of a connection in the quiet hours', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc, { quietHours: { from: '00:00', to: '23:59', timeZone: 'UTC' } });
    expect(await account.send('offer')).toMatchObject({ code: 'throttled', scope: 'item' });
    expect(smsc.submitted).toEqual([]);
  });
});

describe('the test of the credentials', () => {
  it('binds and takes leave; an account that is bound elsewhere works', async () => {
    const smsc = await smscWith();
    const account = await opened(smsc);
    expect(await smsSmpp.check!(account.context)).toMatchObject({ ok: true });
    smsc.answer(() => ({ body: { status: 5 } }));
    expect(await smsSmpp.check!(account.context)).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/bound already/),
    });
    smsc.answer(() => ({ body: { status: 0x0e } }));
    expect(await smsSmpp.check!(account.context)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/password/),
    });
  });
});
