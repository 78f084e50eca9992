import { describe, expect, it } from '@jest/globals';
import { Part, type PartInput } from '#normalizer';
import { extractPending } from './pending.js';

const parts = (...inputs: PartInput[]) => inputs.map((input) => Part.parse(input));

describe('extractPending', () => {
  it('leaves messages without foreign media as they are', () => {
    const own = parts(
      { type: 'text', text: 'hi' },
      { type: 'media', kind: 'image', fileId: 'fil_1', url: 'https://x' },
    );
    expect(extractPending('sms', own)).toEqual({ parts: own, files: [] });
    expect(extractPending('sms', own).parts).toBe(own);
  });

  it('gives references and foreign addresses a file, and lets neither out', () => {
    const { parts: taken, files } = extractPending(
      'sms',
      parts(
        { type: 'media', kind: 'voice', ref: 'media-1', name: '../声音\u202E.amr', durationMs: 900 },
        { type: 'media', kind: 'image', url: 'https://provider.example/1' },
        { type: 'card', title: 'c', media: { type: 'media', kind: 'image', ref: 'media-2' } },
      ),
    );
    expect(files.map((f) => [f.accountId, f.ref, f.name])).toEqual([
      ['sms', 'ref:media-1', '声音.amr'],
      ['sms', 'url:https://provider.example/1', null],
      ['sms', 'ref:media-2', null],
    ]);
    expect(taken[0]).toMatchObject({ fileId: files[0]!.id, state: 'pending', name: '声音.amr', durationMs: 900 });
    expect(taken[2]).toMatchObject({ media: { fileId: files[2]!.id, state: 'pending' } });
    expect(JSON.stringify(taken)).not.toMatch(/media-1|media-2|provider\.example/);
  });
});
