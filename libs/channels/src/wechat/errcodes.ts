import { ProviderFailure, type FailureCode } from '#normalizer';

/** What some errcodes mean. `oneCall`: what is used up is one interface, so others can go on. */
type Row = readonly [
  codes: readonly number[],
  failure: FailureCode,
  meaning: string,
  more?: { readonly retryAfterMs?: number; readonly oneCall?: true },
];

/** A table of errcodes: what a code means, and which of them say that an access token ran out. */
export interface Errcodes {
  readonly expired: ReadonlySet<number>;
  failure(errcode: number): ProviderFailure;
}

/**
 * Makes a table. A code that is not in it counts as refused content: it was answered, so nothing was sent. The original code is kept as
 * `providerCode`; the provider's `errmsg` is not repeated, since it quotes what it was given.
 */
export function errcodeTable(rows: readonly Row[], expired: readonly number[]): Errcodes {
  const meanings = new Map(rows.flatMap((row) => row[0].map((errcode) => [errcode, row] as const)));
  return {
    expired: new Set(expired),
    failure(errcode) {
      const [, code, meaning, more = {}] = meanings.get(errcode) ?? UNKNOWN;
      return new ProviderFailure(code, `${meaning} (errcode ${errcode})`, {
        providerCode: String(errcode),
        ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
        ...(more.oneCall && { scope: 'item' }),
      });
    },
  };
}

const UNKNOWN: Row = [[], 'content-refused', 'the provider refuses it'];

const SECRET = 'WeChat refuses the app id or app secret: compare them with 设置与开发 > 基本配置';
const ADDRESS = 'add the address of the gateway to 设置与开发 > 基本配置 > IP白名单';
const TOO_LARGE = 'WeChat refuses the file: it is too large, too long, empty, or of another type than it seems';
const NO_PERMISSION = 'the account may not use this interface: see 设置与开发 > 接口权限';

/**
 * Codes of official accounts and mini programs. What one interface or template lacks refuses the message that needs it, and holds up no
 * other; only what keeps the whole account from sending is `config-invalid`. Sources: the pages "全局返回码", sendCustomMessage,
 * uploadTempMedia, getStableAccessToken, sendTemplateMessage and sendMessage (subscribe) of developers.weixin.qq.com, and the lists of WxJava.
 */
export const wechatErrcodes = errcodeTable(
  [
    [[-1, 61450, 9001002], 'unavailable', 'WeChat is busy, or failed'],

    [[40001, 40002, 40013, 40125, 41002, 41004], 'unauthorized', SECRET],
    [[40014, 41001, 42001, 42007], 'unauthorized', 'WeChat refuses the access token'],
    [[40164], 'unauthorized', ADDRESS],
    [[40243], 'unauthorized', 'the app secret is frozen: unfreeze it under 设置与开发 > 基本配置'],
    [[89501, 89503], 'unauthorized', 'a call from a new address waits for an administrator of the account to allow it'],
    [[89506, 89507], 'unauthorized', 'an administrator of the account has refused calls from this address'],
    [[50004, 61024], 'config-invalid', 'the account may fetch no access token of its own: it was handed to a platform'],
    [[50002, 50007], 'config-invalid', 'WeChat has restricted or frozen the account: see its notices there'],
    [[65400], 'config-invalid', 'the customer service of the account is not switched on: see 功能 > 客服'],

    [[40003, 41009, 46004], 'recipient-gone', 'the recipient is no openid of this account'],
    [[43019], 'recipient-gone', 'the recipient is on the blacklist of the account'],
    [
      [43004, 43005, 48002, 50005],
      'opted-out',
      'the recipient does not follow the account, or takes no messages of it',
    ],
    [[43101], 'window-closed', 'the recipient did not subscribe to this notice, or has used it up'],

    [[45015], 'window-closed', 'the customer has not written within the reply window'],
    [[45047], 'window-closed', 'the messages that one message of the customer allows are used up'],
    [[45080], 'window-closed', 'the customer has not been there for 30 seconds'],

    [
      [45009, 45029],
      'throttled',
      'the calls of this interface are used up for today',
      { retryAfterMs: 900_000, oneCall: true },
    ],
    [[45011], 'throttled', 'WeChat is called too often'],
    [[43108], 'throttled', 'two notices for one recipient at a time', { retryAfterMs: 2_000, oneCall: true }],
    [[45066], 'throttled', 'the same template again too soon', { retryAfterMs: 60_000, oneCall: true }],

    [[40004, 40005, 40006, 40009, 40010, 40011, 40012, 40113, 40118, 40121, 40137], 'content-refused', TOO_LARGE],
    [[41005, 44001, 45001, 45007], 'content-refused', TOO_LARGE],
    [[40007, 41006, 46001], 'content-refused', 'WeChat no longer has the file'],
    [[40033], 'content-refused', 'the text holds characters that WeChat does not take'],
    [
      [45002, 45003, 45004, 45005, 45006, 45008],
      'content-refused',
      'a text or an address of the message is too long for WeChat',
    ],
    [
      [40008, 40035, 40038, 40039, 44002, 44003, 44004, 45072, 47001, 61451],
      'content-refused',
      'WeChat finds the message incomplete or its form wrong',
    ],
    [[87014, 45168], 'content-refused', 'WeChat finds words in it that it does not allow'],
    [[45081], 'content-refused', 'the customer sees already that somebody is typing'],
    [[40200], 'content-refused', 'an account of this kind cannot send such a message; for menus set `menus: false`'],
    [[40036, 40037], 'content-refused', 'the account has no template of this id'],
    [[47003], 'content-refused', 'a value does not fit its place in the template'],
    [
      [43107, 43116],
      'content-refused',
      'WeChat has banned this template or all notices of the account: see its notices there',
    ],
    [[45065], 'content-refused', 'WeChat has taken this very template before'],
    [[40165, 41030], 'content-refused', 'the mini program has no such page'],
    [[40166], 'content-refused', 'the mini program is not linked to the account'],
    [[43104, 48001, 48003, 50001], 'content-refused', NO_PERMISSION],
    [[48004], 'content-refused', 'WeChat has banned this interface for the account: see its notices there'],
    [[48008], 'content-refused', 'the account may not send messages of this type'],
    [
      [61452, 65401, 65402, 65413, 65414, 65415],
      'content-refused',
      'an agent in the customer service of WeChat has this customer',
    ],
  ],
  [40001, 40014, 42001],
);
