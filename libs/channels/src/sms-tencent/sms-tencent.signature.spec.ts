import { describe, expect, it } from '@jest/globals';
import { tc3Authorization } from './sms-tencent.signature.js';

const body = String.raw`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`;
const call = { service: 'cvm', host: 'cvm.tencentcloudapi.com', body, timestamp: 1_551_113_065, secretId: 'AKID' };

describe('TC3-HMAC-SHA256', () => {
  it.each([
    ['Gu5t9xGARNpq86cd98joQYCN3EXAMPLE', undefined, '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168'],
    ['Gu5t9xGARNpq86cd98joQYCN3*******', undefined, '2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c'],
    ['*'.repeat(32), 'DescribeInstances', '10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f'],
  ])('gives the published signature by the key %s', (secretKey, action, signature) => {
    const authorization = tc3Authorization({ ...call, secretKey, ...(action !== undefined && { action }) });
    const names = action === undefined ? 'content-type;host' : 'content-type;host;x-tc-action';
    expect(authorization).toBe(
      `TC3-HMAC-SHA256 Credential=AKID/2019-02-25/cvm/tc3_request, SignedHeaders=${names}, Signature=${signature}`,
    );
  });

  it('goes by the date of UTC', () => {
    const authorization = tc3Authorization({
      ...call,
      secretKey: 'k',
      timestamp: Date.parse('2026-11-21T23:59:59Z') / 1_000,
    });
    expect(authorization).toContain('/2026-11-21/cvm/');
  });
});
