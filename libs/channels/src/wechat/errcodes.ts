import { ProviderFailure, type FailureCode } from '#normalizer';

type Meaning = readonly [code: FailureCode, meaning: string, retryAfterMs?: number];

const SECRET = 'WeChat refuses the app id or app secret: compare them with 设置与开发 > 基本配置';
const NOT_FOLLOWING = 'the recipient does not follow the account, or takes no messages of it';
const TOO_LARGE = 'WeChat refuses the file: it is too large, too long, or of another type than it seems';
const INCOMPLETE = 'WeChat finds the message incomplete or its form wrong';
const NO_PERMISSION = 'the account may not use this interface: see 设置与开发 > 接口权限';

/**
 * What the errcodes of WeChat mean for a message, in the gateway's own failures. What one interface lacks refuses the message that needs it, and holds up no
 * other; only what keeps the whole account from sending is `config-invalid`. Sources: the pages "全局返回码", sendCustomMessage and
 * getStableAccessToken of developers.weixin.qq.com, and the lists of WxJava.
 */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  [-1]: ['unavailable', 'WeChat is busy'],
  40001: ['unauthorized', SECRET],
  40002: ['unauthorized', SECRET],
  40003: ['recipient-gone', 'the recipient is no openid of this account'],
  40004: ['content-refused', TOO_LARGE],
  40005: ['content-refused', TOO_LARGE],
  40006: ['content-refused', TOO_LARGE],
  40007: ['content-refused', 'WeChat no longer has the file'],
  40008: ['content-refused', INCOMPLETE],
  40009: ['content-refused', TOO_LARGE],
  40010: ['content-refused', TOO_LARGE],
  40011: ['content-refused', TOO_LARGE],
  40012: ['content-refused', TOO_LARGE],
  40013: ['unauthorized', SECRET],
  40014: ['unauthorized', 'WeChat refuses the access token'],
  40033: ['content-refused', 'the text holds characters that WeChat does not take'],
  40037: ['content-refused', 'the account has no template of this id'],
  40113: ['content-refused', TOO_LARGE],
  40125: ['unauthorized', SECRET],
  40137: ['content-refused', TOO_LARGE],
  40164: ['unauthorized', 'add the address of the gateway to 设置与开发 > 基本配置 > IP白名单'],
  40165: ['content-refused', 'the mini program has no such page'],
  40166: ['content-refused', 'the mini program is not linked to the account'],
  40200: ['content-refused', 'an account of this kind cannot send such a message; for menus set `menus: false`'],
  40243: ['unauthorized', 'the app secret is frozen: unfreeze it under 设置与开发 > 基本配置'],
  41001: ['unauthorized', 'WeChat refuses the access token'],
  41002: ['unauthorized', SECRET],
  41004: ['unauthorized', SECRET],
  41030: ['content-refused', 'the mini program has no such page'],
  42001: ['unauthorized', 'WeChat refuses the access token'],
  43004: ['opted-out', NOT_FOLLOWING],
  43019: ['recipient-gone', 'the recipient is on the blacklist of the account'],
  43101: ['opted-out', 'the recipient did not subscribe to this notice, or has used it up'],
  43104: ['content-refused', NO_PERMISSION],
  45001: ['content-refused', TOO_LARGE],
  45002: ['content-refused', 'the text is too long for WeChat'],
  45007: ['content-refused', TOO_LARGE],
  45009: ['throttled', 'the calls of this interface are used up for today', 900_000],
  45011: ['throttled', 'WeChat is called too often'],
  45015: ['window-closed', 'the customer has not written within the reply window'],
  45047: ['window-closed', 'the messages that one message of the customer allows are used up'],
  45080: ['window-closed', 'the customer has not been there for 30 seconds'],
  45084: ['content-refused', NO_PERMISSION],
  46004: ['recipient-gone', 'the recipient does not exist'],
  47003: ['content-refused', 'a value does not fit its place in the template'],
  48001: ['content-refused', NO_PERMISSION],
  48002: ['opted-out', NOT_FOLLOWING],
  48003: ['content-refused', NO_PERMISSION],
  48004: ['content-refused', 'WeChat has banned this interface for the account: see its notices there'],
  48008: ['content-refused', 'the account may not send messages of this type'],
  50001: ['content-refused', NO_PERMISSION],
  50002: ['config-invalid', 'WeChat has restricted the account: see its notices there'],
  50005: ['opted-out', NOT_FOLLOWING],
  61450: ['unavailable', 'WeChat failed'],
  65400: ['config-invalid', 'the customer service of the account is not switched on: see 功能 > 客服'],
  89501: ['unauthorized', 'a call from a new address waits for an administrator of the account to allow it'],
  89503: ['unauthorized', 'a call from a new address waits for an administrator of the account to allow it'],
  89506: ['unauthorized', 'an administrator of the account has refused calls from this address'],
};

/** A table of errcodes: what a code means, and which of them say that an access token ran out. */
export interface Errcodes {
  readonly expired: ReadonlySet<number>;
  failure(errcode: number): ProviderFailure;
}

/**
 * Makes a table. A code that is not in it counts as refused content: it was answered, so nothing was sent. The original code is kept as
 * `providerCode`; WeChat's `errmsg` is not repeated, since it quotes what it was given.
 */
export function errcodeTable(meanings: Readonly<Record<number, Meaning>>, expired: readonly number[]): Errcodes {
  return {
    expired: new Set(expired),
    failure(errcode) {
      const known = Object.hasOwn(meanings, errcode) ? meanings[errcode] : undefined;
      const [code, meaning, retryAfterMs] = known ?? (['content-refused', 'WeChat refuses it'] as const);
      return new ProviderFailure(code, `${meaning} (errcode ${errcode})`, {
        providerCode: String(errcode),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    },
  };
}

/** Codes of official accounts and mini programs. */
export const wechatErrcodes = errcodeTable(MEANINGS, [40001, 40014, 42001]);
