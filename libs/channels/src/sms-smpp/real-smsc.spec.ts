import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeOnServer } from '#helpdesk/testing';
import { Account, until } from './testing/account.js';
import { netSmppMissing, startNetSmpp, type NetSmpp } from './testing/net-smpp.js';

describeOnServer('a message centre of another make (Net::SMPP)', netSmppMissing(), (title) => {
  let smsc: NetSmpp;
  const accounts: Account[] = [];
  const account = async (more: object = {}): Promise<Account> => {
    const one = await new Account(smsc.port, { messageIds: 'decimal-receipts', ...more }).open();
    accounts.push(one);
    return one;
  };
  beforeAll(async () => void (smsc = await startNetSmpp()));
  afterEach(() => Promise.all(accounts.splice(0).map((one) => one.close())));
  afterAll(() => smsc?.close());

  it(`${title}: takes a text, and reports it under the id that it wrote in hexadecimal`, async () => {
    const one = await account();
    const [id] = (await one.send('Hello @ € [1]')) as string[];
    await until(() => one.events.length > 0);
    expect(one.events).toMatchObject([{ kind: 'receipt', externalId: id, status: 'delivered' }]);
    expect(smsc.told.at(-1)).toMatchObject({
      ...{ from: '80808', to: '4915112345678', ton: 1, npi: 1, coding: 0, esm: 0, registered: 1 },
      hex: '48656c6c6f2000201b65201b3c311b3e',
    });
  });

  it(`${title}: takes a long Chinese text in parts, and says something back`, async () => {
    const one = await account();
    const text = '您的包裹已经在路上。'.repeat(8);
    const before = smsc.told.length;
    expect(await one.send(text)).toHaveLength(2);
    const parts = smsc.told.slice(before) as { hex: string; coding: number; esm: number }[];
    expect(parts.map(({ coding, esm }) => [coding, esm])).toEqual([[8, 64], [8, 64]]); // prettier-ignore
    expect(parts.map(({ hex }) => hex.slice(0, 6))).toEqual(['050003', '050003']);
    const octets = Buffer.from(parts.map(({ hex }) => hex.slice(12)).join(''), 'hex');
    expect(octets.swap16().toString('utf16le')).toBe(text);
    await one.send('echo');
    await until(() => one.texts.length > 0);
    expect(one.texts).toEqual(['你好']);
  });

  it(`${title}: throttles, and takes it the next time`, async () => {
    const one = await account();
    const unit = one.unit('throttle me');
    expect(await one.send(unit)).toMatchObject({ code: 'throttled', providerCode: '0x00000058' });
    expect(await one.send(unit)).toHaveLength(1);
  });

  it(`${title}: refuses another password, and is taken leave of`, async () => {
    await expect(new Account(smsc.port, { password: 'wrong' }).open()).rejects.toMatchObject({ code: 'unauthorized' });
    const one = await account();
    await one.close();
    await until(() => 'unbind' in (smsc.told.at(-1) ?? {}));
    expect(one.lost).toEqual([]);
  });
});
