import { errcodeTable } from '../wechat/errcodes.js';

const SECRET = 'WeCom refuses the corp id or the secret: compare them with 我的企业 and with the app';
const NO_PERMISSION =
  'the app may not call this interface: see 微信客服 > 可调用接口的应用, and the members it is visible to';
const FILE = 'WeCom refuses the file: it is too large, too small, too long, or of another type than it seems';
const INCOMPLETE = 'WeCom finds the message incomplete or its form wrong';

/** A session is in a state in which the API may not send. */
export const WRONG_STATE = '95018';
/** The app may not call this interface. */
export const FORBIDDEN = '48002';
/** `token` of a callback that ran out or is of another account. */
export const TOKEN_REFUSED = '95007';
/** The code of an event was used before, or ran out. */
export const CODE_USED = '40029';

/**
 * What the errcodes of WeCom mean, in the gateway's own failures. Some numbers mean something else than at WeChat (40001, 45001, 48004, 50001,
 * 50002). What keeps one call from being made (an interface, a member, a page) refuses the message that needs it and holds up no other;
 * `config-invalid` is what keeps the whole account from being used: the app, its authorisation, or the one customer service account that it is.
 * Sources: "全局错误码" (path/90313), "发送消息" (path/94677) and "获取access_token" (path/91039) of developer.work.weixin.qq.com, and the lists of
 * WxJava.
 */
export const wecomErrcodes = errcodeTable(
  [
    [[-1], 'unavailable', 'WeCom is busy'],

    [[40001, 40013, 40091, 41002, 41004, 41024, 2000002], 'unauthorized', SECRET],
    [[40014, 41001, 42001, 42009], 'unauthorized', 'WeCom refuses the access token'],
    [[60020], 'unauthorized', 'add the address of the gateway to the app: 企业可信IP'],
    [[48004], 'config-invalid', 'the app is not authorised by the company, or no more'],
    [[48007], 'config-invalid', 'the account is not bound to the app: see 微信客服 > 通过API管理微信客服账号'],
    [[50003], 'config-invalid', 'the app is switched off: see 应用管理'],
    [[95000, 95004], 'config-invalid', 'there is no customer service account of this open_kfid'],
    [[95011], 'config-invalid', 'the account is in use in WeCom: have it managed by API'],
    [[95012], 'config-invalid', 'customer service is not in use in WeCom'],
    [[95017], 'config-invalid', 'the API is switched off: see 微信客服 in the settings of the company'],

    [[40003, 40096], 'recipient-gone', 'WeCom does not know the recipient'],
    [[84061], 'recipient-gone', 'the recipient is no contact of the company'],

    [[95001], 'window-closed', 'the messages that one message of the customer allows are used up'],
    [[95002, 95024], 'window-closed', 'the customer has not written within the reply window'],
    [[95013], 'window-closed', 'the session has ended; it begins anew when the customer writes'],
    [[95018], 'window-closed', 'an agent in WeCom has the session, or it has ended'],

    [[45009], 'throttled', 'the calls of this interface are used up for now', { retryAfterMs: 60_000, oneCall: true }],
    [[45033], 'throttled', 'WeCom is called too often at a time', { retryAfterMs: 1_000 }],

    [[40004, 40005, 40006, 40009, 40011, 41005, 44001, 45001, 45007, 301016, 301017], 'content-refused', FILE],
    [[40007, 41006, 301015], 'content-refused', 'WeCom no longer has the file'],
    [[40029], 'content-refused', 'the code of the event was used before, or ran out'],
    [[40033], 'content-refused', 'the text holds characters that WeCom does not take'],
    [[40039, 45002, 45003, 45004, 45008], 'content-refused', 'a text of the message is too long for WeCom'],
    [[40008, 40035, 40058, 40063, 41016, 41033, 44004, 47001, 95022], 'content-refused', INCOMPLETE],
    [[85002], 'content-refused', 'WeCom finds words in it that it does not allow'],
    [[48002, 48003, 48005, 50001, 301002, 301005], 'content-refused', NO_PERMISSION],
    [[50002, 60011], 'content-refused', 'the app may do nothing with this member: see the members it is visible to'],
    [[40031, 46004, 60111, 301021], 'content-refused', 'there is no such member'],
    [[90207, 90236], 'content-refused', 'the mini program is not linked to the company'],
    [[95003], 'content-refused', 'the company can take on no more customers: verify it, or bind a Channels account'],
    [[95007], 'content-refused', 'the token of the callback ran out'],
    [[95008], 'content-refused', 'the menu has too many items'],
    [[95009], 'content-refused', 'WeCom does not take an item of the menu'],
    [[95014], 'content-refused', 'this member is no agent of the customer service account, or is not on duty'],
    [[95016], 'content-refused', 'the session cannot change from its state to this one'],
  ],
  [40014, 42001],
);
