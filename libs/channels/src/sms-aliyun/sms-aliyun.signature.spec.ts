import { describe, expect, it } from '@jest/globals';
import { acs3Headers, canonicalQuery, queueAuthorization } from './sms-aliyun.signature.js';

describe('ACS3-HMAC-SHA256', () => {
  it('gives the published signature', () => {
    const headers = acs3Headers({
      host: 'ecs.cn-shanghai.aliyuncs.com',
      action: 'RunInstances',
      version: '2014-05-26',
      query: { RegionId: 'cn-shanghai', ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd' },
      accessKeyId: 'YourAccessKeyId',
      accessKeySecret: 'YourAccessKeySecret',
      now: Date.parse('2023-10-26T10:22:32Z'),
      nonce: '3156853299f313e23d1673dc12e1703d',
    });
    expect(headers['authorization']).toBe(
      'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,' +
        'SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,' +
        'Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
    );
    expect(headers['x-acs-date']).toBe('2023-10-26T10:22:32Z');
  });

  it('encodes the query by RFC 3986', () => {
    expect(canonicalQuery({ b: "a b*'()!~", a: '云=&' })).toBe('a=%E4%BA%91%3D%26&b=a%20b%2A%27%28%29%21~');
  });
});

describe('the signature of the message queue', () => {
  it('begins as the published one, whose end is masked', () => {
    const authorization = queueAuthorization({
      ...{ method: 'GET', resource: '/MyQueue', contentType: '', date: 'Thu, 09 Jul 2015 03:01:34 GMT' },
      ...{ version: '2015-06-06', accessKeyId: 'TestAccessID', accessKeySecret: 'TestAccessSecret' },
    });
    expect(authorization).toMatch(/^MNS TestAccessID:uwx3yeWoILzgmvesW0BQSgfM/);
  });
});
