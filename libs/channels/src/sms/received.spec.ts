import { describe, expect, it } from '@jest/globals';
import { parseInbound } from '#normalizer';
import { consentSettings } from './consent.js';
import { receivedEvents, type Received } from './received.js';

const events = (changes: Partial<Received>) =>
  receivedEvents(
    { key: 'k', externalIds: ['SM1'], from: '+14158675309', text: 'hello', ...changes },
    { accountId: 'acc', digits: 'short', consent: consentSettings.parse({}) },
  ).map((event) => parseInbound(event));
const kinds = (changes: Partial<Received>) => events(changes).map(({ kind }) => kind);

describe('what comes of an SMS', () => {
  it('a message', () => expect(kinds({})).toEqual(['message']));

  it('a word of consent is a message that agents see, and then what it says', () => {
    const [message, consent] = events({ text: 'Stop' });
    expect(message).toMatchObject({ kind: 'message', dedupeKey: 'message:k', parts: [{ text: 'Stop' }] });
    expect(consent).toMatchObject({ kind: 'opted-out', dedupeKey: 'consent:k', thread: '+14158675309' });
    expect(kinds({ text: 'START' })).toEqual(['message', 'opted-in']);
  });

  it('what the provider makes of it counts more than the words', () => {
    expect(kinds({ text: 'hello', consent: 'opted-out' })).toEqual(['message', 'opted-out']);
    expect(kinds({ text: 'STOP', consent: null })).toEqual(['message']);
  });

  it('a name refuses nothing: nothing could be sent to it', () => {
    expect(kinds({ from: 'TAOBAO', text: 'STOP' })).toEqual(['message']);
  });

  it('an empty one is kept, too', () => {
    expect(events({ text: '' })).toMatchObject([{ parts: [{ type: 'unsupported', providerType: 'empty' }] }]);
  });
});
