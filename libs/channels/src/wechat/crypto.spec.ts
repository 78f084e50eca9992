import { describe, expect, it } from '@jest/globals';
import { MalformedRequest } from '#transport';
import { aesKey, decrypt, signatureOf } from './crypto.js';
import { encrypt, encryptBlocks } from './testing/index.js';

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';
const WECOM = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C';

/** Tencent's own sample of safe mode: 280 bytes, padded by 2. */
const SAFE = `hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=`;
/** Tencent's own sample for WeCom: padded by 30, which AES's own blocks of 16 never are. */
const MESSAGE = `RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==`;

describe('signatures', () => {
  it.each([
    [['spamtest', '1409735669', '1320562132'], '16120ec1b8dbb870f510d87ce6bc2463eae6ca1a'],
    [['789', '456', '123'], 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    [['123', '345'], '9f537aeb751ec72605f57f94a2f6dc3e3958e1dd'],
    [['test', '1410685589', 'test'], 'f21891de399b4e33a1a93c9a7b8a8fffb5a443ff'],
    [['spamtest', '1409735669', '1320562132', SAFE], '5d197aaffba7e9b25a30732f161a50dee96bd5fa'],
    [['QDG6eK', '1409659813', '263014780', MESSAGE].with(2, '1372623149'), '477715d11cdb4164915debcba66cb864d751f3e6'],
  ])('of %j', (values, expected) => expect(signatureOf(...values)).toBe(expected));
});

describe('what Tencent encrypted', () => {
  it('for an official account', () => {
    const xml = decrypt(SAFE, KEY, 'wx2c2769f8efd9abc2').toString();
    expect(xml).toBe(
      '<xml><ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName>\n<FromUserName><![CDATA[oyORnuP8q7ou2gfYjqLzSIWZf0rs]]></FromUserName>\n<CreateTime>1409735668</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[abcdteT]]></Content>\n<MsgId>6054768590064713728</MsgId>\n</xml>',
    );
  });

  it.each([
    [
      'P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==',
      [WECOM, 'wx5823bf96d3bd56c7'],
      '1616140317555161061',
    ],
    [
      '4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==',
      ['kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR', 'wx49f0ab532d5d035a'],
      '5927782489442352469',
    ],
    [
      '0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t8SB/qk4ROMu3',
      ['Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7', 'ding6ccabc44d2c8d38b'],
      '{"EventType":"check_url"}',
    ],
  ] as const)('for others of the family: %s', (encrypted, [key, receiver], message) =>
    expect(decrypt(encrypted, key, receiver).toString()).toBe(message),
  );

  it('with a padding of 30 bytes', () => {
    const xml = decrypt(MESSAGE, WECOM, 'wx5823bf96d3bd56c7').toString();
    expect(xml).toContain('<Content><![CDATA[hello]]></Content>');
    expect(xml).toContain('<MsgId>4561255354251345929</MsgId>');
  });

  it('is what we encrypt for tests', () => {
    const seal = { encodingAESKey: KEY, receiverId: 'wxb11529c136998cb6' };
    const encrypted = encrypt('我是中文abcd123', seal, Buffer.from('aaaabbbbccccdddd'));
    expect(encrypted).toBe('jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==');
    expect(signatureOf('pamtest', '1409304348', 'xxxxxx', encrypted)).toBe('82c962d39941aa48552f90ef55aa323dc620cc10');
  });

  it('with a key whose last character carries bits that mean nothing', () => {
    expect(aesKey(KEY)).toHaveLength(32);
    expect(aesKey('kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR')).toEqual(
      aesKey('kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aQ'),
    );
  });
});

describe('forgeries', () => {
  const receiver = 'wx2c2769f8efd9abc2';
  const block = (bytes: number, length: number, tail: Buffer): string => {
    const head = Buffer.alloc(20);
    head.writeUInt32BE(length, 16);
    const plain = Buffer.concat([head, Buffer.alloc(bytes - 20 - tail.length, 0x61), tail]);
    return encryptBlocks(plain, KEY);
  };
  const tail = (pad: number[]): Buffer => Buffer.concat([Buffer.from(receiver), Buffer.from(pad)]);
  const whole = (n: number): number[] => Array<number>(n).fill(n);

  it('are refused, whatever is wrong with them, with one and the same error', () => {
    const forged: [string, string, string?, string?][] = [
      ['nothing', ''],
      ['no base64', '%%%%'],
      ['base64 for URLs', SAFE.replaceAll('+', '-').replaceAll('/', '_')],
      ['half a block', Buffer.alloc(16).toString('base64')],
      ['no whole blocks', Buffer.alloc(33).toString('base64')],
      ['another key', SAFE, WECOM],
      ['another receiver', SAFE, KEY, 'wx2c2769f8efd9abc3'],
      ['a longer receiver', SAFE, KEY, 'wx2c2769f8efd9abc20'],
      ['no receiver', SAFE, KEY, ''],
      ['a padding of 0', block(64, 24, tail([0, 0]))],
      ['a padding of 33', block(96, 25, tail(whole(33)))],
      ['a padding of different bytes', block(64, 23, tail([1, 2, 3]))],
      ['a padding longer than all', block(32, 0, Buffer.alloc(12, 32))],
      ['a length of 2³²−1', block(64, 0xffff_ffff, tail([1]))],
      ['a length beyond the end', block(64, 26, tail([1]))],
      ['a length beyond the end, where nobody is named', block(64, 44, Buffer.from([1])), KEY, ''],
      ['a length too short', block(64, 24, tail([1]))],
    ];
    const said = forged.map(([what, encrypted, key = KEY, to = receiver]) => {
      try {
        return `${what} is taken: ${decrypt(encrypted, key, to).toString()}`;
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedRequest);
        return (error as Error).message;
      }
    });
    expect([...new Set(said)]).toEqual([expect.stringContaining('cannot be decrypted')]);
    expect(decrypt(block(64, 25, tail([1])), KEY, receiver).toString()).toBe('a'.repeat(25));
  });
});
