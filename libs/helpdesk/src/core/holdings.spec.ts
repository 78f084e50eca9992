import { describe, expect, it } from '@jest/globals';
import { Holdings } from './holdings.js';

describe('Holdings', () => {
  const opened = (log: string[], name: string) => () => {
    log.push(`open ${name}`);
    return { close: async () => void log.push(`close ${name}`) };
  };

  it('makes one thing per destination and version, and gives the same again', () => {
    const [holdings, log] = [new Holdings(), [] as string[]];
    const first = holdings.hold('a', '1', opened(log, 'a1'));
    expect(holdings.hold('a', '1', opened(log, 'again'))).toBe(first);
    expect(holdings.hold('a', '2', opened(log, 'a2'))).not.toBe(first);
    expect(holdings.hold('b', '1', opened(log, 'b1'))).not.toBe(first);
    expect(log).toEqual(['open a1', 'open a2', 'open b1']);
  });

  it('closes what is not current any more, and at the end everything', async () => {
    const [holdings, log] = [new Holdings(), [] as string[]];
    for (const [id, version] of ['a1', 'b1', 'c1'] as const)
      holdings.hold(id!, version!, opened(log, `${id}${version}`));
    await holdings.keepOnly([{ id: 'a', version: '2' }, { id: 'b', version: '1' }]); // prettier-ignore
    expect(log.slice(3).sort()).toEqual(['close a1', 'close c1']);
    await holdings.close();
    await holdings.close();
    expect(log.slice(5)).toEqual(['close b1']);
    holdings.hold('b', '1', opened(log, 'b1'));
    expect(log.at(-1)).toBe('open b1');
  });
});
