import { describe, expect, it } from '@jest/globals';
import { newSession, Sessions } from './chat-session.js';

describe('sessions of chat visitors', () => {
  it('go on while the secret of the server is being changed, are given anew with the new one, and end with the old one', async () => {
    const session = newSession('web', { sub: 'u-1', name: 'Li' });
    const [old, both, fresh] = [new Sessions('old'), new Sessions(['new', 'old']), new Sessions('new')];
    const [before, after] = [await old.issue(session), await both.issue(session)];
    for (const token of [before, after]) expect(await both.read(token, 'web')).toMatchObject(session);
    expect(await both.read(before, 'other')).toBeUndefined();
    expect([await fresh.read(before, 'web'), await fresh.read(after, 'web')]).toEqual([
      undefined,
      expect.objectContaining(session),
    ]);
  });
});
