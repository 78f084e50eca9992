import { errcodeTable } from '../wechat/errcodes.js';

const SECRET = 'WeCom refuses the corp id or the secret: compare them with 我的企业 and with the app';
const TOKEN = 'WeCom refuses the access token';
const NO_PERMISSION =
  'the app may not use this customer service account: add both under 微信客服 > 可调用接口的应用 / 通过API管理微信客服账号';
const NO_ACCOUNT = 'there is no customer service account of this open_kfid';
const FILE = 'WeCom refuses the file: it is too large, too small, or of another type than it seems';
const INCOMPLETE = 'WeCom finds the message incomplete or its form wrong';
const TOO_LONG = 'a text of the message is too long for WeCom';

/** A session is in a state in which the API may not send. */
export const WRONG_STATE = '95018';
/** `token` of a callback that ran out or is of another account. */
export const TOKEN_REFUSED = '95007';

/**
 * What the errcodes of WeCom mean, in the gateway's own failures. Some numbers mean something else than at WeChat (40001, 45001).
 * Sources: "全局错误码" (path/90313) and "发送消息" (path/94677) of developer.work.weixin.qq.com, and the lists of WxJava.
 */
export const wecomErrcodes = errcodeTable(
  {
    [-1]: ['unavailable', 'WeCom is busy'],
    40001: ['unauthorized', SECRET],
    40003: ['recipient-gone', 'WeCom does not know the recipient'],
    40004: ['content-refused', FILE],
    40005: ['content-refused', FILE],
    40006: ['content-refused', FILE],
    40007: ['content-refused', 'WeCom no longer has the file'],
    40008: ['content-refused', INCOMPLETE],
    40009: ['content-refused', FILE],
    40011: ['content-refused', FILE],
    40013: ['unauthorized', SECRET],
    40014: ['unauthorized', TOKEN],
    40029: ['content-refused', 'the code of the event was used before, or ran out'],
    40033: ['content-refused', 'the text holds characters that WeCom does not take'],
    40035: ['content-refused', INCOMPLETE],
    40039: ['content-refused', TOO_LONG],
    40058: ['content-refused', INCOMPLETE],
    40063: ['content-refused', INCOMPLETE],
    40096: ['recipient-gone', 'WeCom does not know the recipient'],
    41001: ['unauthorized', TOKEN],
    41002: ['unauthorized', SECRET],
    41004: ['unauthorized', SECRET],
    41005: ['content-refused', FILE],
    41006: ['content-refused', INCOMPLETE],
    42001: ['unauthorized', TOKEN],
    42009: ['unauthorized', TOKEN],
    44001: ['content-refused', FILE],
    44004: ['content-refused', INCOMPLETE],
    45001: ['content-refused', FILE],
    45002: ['content-refused', TOO_LONG],
    45003: ['content-refused', TOO_LONG],
    45004: ['content-refused', TOO_LONG],
    45007: ['content-refused', FILE],
    45009: ['throttled', 'WeCom is called too often', 60_000],
    45033: ['throttled', 'WeCom is called too often at a time', 1_000],
    47001: ['content-refused', INCOMPLETE],
    48002: ['config-invalid', NO_PERMISSION],
    48004: ['config-invalid', 'WeCom has banned this interface for the company'],
    48007: ['config-invalid', NO_PERMISSION],
    50001: ['config-invalid', NO_PERMISSION],
    50002: ['config-invalid', NO_PERMISSION],
    60011: ['config-invalid', NO_PERMISSION],
    60020: ['unauthorized', 'add the address of the gateway to the app: 企业可信IP'],
    60111: ['content-refused', 'there is no such member'],
    84061: ['recipient-gone', 'the recipient is no contact of the company'],
    90207: ['content-refused', 'the mini program is not linked to the company'],
    90236: ['content-refused', 'the mini program is not linked to the company'],
    95000: ['config-invalid', NO_ACCOUNT],
    95001: ['window-closed', 'the messages that one message of the customer allows are used up'],
    95002: ['window-closed', 'the customer has not written within the reply window'],
    95003: ['config-invalid', 'the company has used up its consultations: verify it, or bind a Channels account'],
    95004: ['config-invalid', NO_ACCOUNT],
    95007: ['content-refused', 'the token of the callback ran out'],
    95008: ['content-refused', 'the menu has too many items'],
    95009: ['content-refused', 'WeCom does not take an item of the menu'],
    95011: ['config-invalid', 'the account is in use in WeCom: have it managed by API'],
    95012: ['config-invalid', 'customer service is not in use in WeCom'],
    95013: ['window-closed', 'the session has ended; it begins anew when the customer writes'],
    95014: ['content-refused', 'this member is no agent of the customer service account, or is not on duty'],
    95016: ['content-refused', 'the session cannot change from its state to this one'],
    95017: ['config-invalid', 'the API is switched off: see 微信客服 in the settings of the company'],
    95018: ['window-closed', 'an agent in WeCom has the session, or it has ended'],
    95022: ['content-refused', INCOMPLETE],
    95024: ['window-closed', 'the customer has not written within the reply window'],
    301002: ['config-invalid', NO_PERMISSION],
    301005: ['config-invalid', NO_PERMISSION],
    2000002: ['unauthorized', SECRET],
  },
  [40014, 42001],
);
