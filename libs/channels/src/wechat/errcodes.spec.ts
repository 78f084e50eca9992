import { describe, expect, it } from '@jest/globals';
import { FAILURES, type FailureCode } from '#normalizer';
import { wecomErrcodes } from '../wecom-kf/wecom-kf.errcodes.js';
import { wechatErrcodes, type Errcodes } from './errcodes.js';

/**
 * What has to become of a message: `account`: it waits, and all of the account with it, for a person. `later`: it alone is tried again.
 * `slower`: all of the account is, a little later. `message`: it is refused, and nothing else. `person`: this customer gets nothing any more.
 * `window`: this customer gets nothing until they write.
 */
type Fate = 'account' | 'later' | 'slower' | 'message' | 'person' | 'window';

function fateOf(errcodes: Errcodes, errcode: number): Fate {
  const { code, scope = FAILURES[code].scope } = errcodes.failure(errcode);
  if (code === 'window-closed') return 'window';
  if (FAILURES[code].owner === 'contact') return 'person';
  if (FAILURES[code].owner === 'operator') return 'account';
  if (FAILURES[code].retryable) return scope === 'item' ? 'later' : 'slower';
  return 'message';
}

/** In the words of "全局返回码" and of the pages of the calls that answer so. */
const WECHAT: readonly (readonly [number, string, Fate])[] = [
  [-1, '系统繁忙', 'later'],
  [40001, 'AppSecret 错误，或者 access_token 无效', 'account'],
  [40002, '不合法的凭证类型', 'account'],
  [40003, '不合法的 OpenID', 'person'],
  [40004, '不合法的媒体文件类型', 'message'],
  [40005, '不合法的文件类型', 'message'],
  [40006, '不合法的文件大小', 'message'],
  [40007, '不合法的媒体文件 id', 'message'],
  [40008, '不合法的消息类型', 'message'],
  [40009, '不合法的图片文件大小', 'message'],
  [40013, '不合法的 AppID', 'account'],
  [40014, '不合法的 access_token', 'account'],
  [40033, '不能包含 uxxxx 格式的字符', 'message'],
  [40037, 'template_id 不正确', 'message'],
  [40113, '不支持的文件类型', 'message'],
  [40125, '不合法的 secret', 'account'],
  [40137, '不支持的图片格式', 'message'],
  [40164, 'IP 不在白名单', 'account'],
  [40243, 'AppSecret 已被冻结', 'account'],
  [41001, '缺少 access_token 参数', 'account'],
  [41002, '缺少 appid 参数', 'account'],
  [41004, '缺少 secret 参数', 'account'],
  [41005, '缺少多媒体文件数据', 'message'],
  [41006, '缺少 media_id 参数', 'message'],
  [41030, 'page 路径不正确', 'message'],
  [42001, 'access_token 超时', 'account'],
  [43004, '需要接收者关注', 'person'],
  [43019, '需要将接收者从黑名单中移除', 'person'],
  [43101, '用户拒绝接受消息', 'window'],
  [43107, '订阅消息能力封禁', 'message'],
  [43108, '并发下发消息给同一个粉丝', 'later'],
  [43116, '该模板因滥用被滥用过多，已被限制下发', 'message'],
  [44001, '多媒体文件为空', 'message'],
  [44002, 'POST 的数据包为空', 'message'],
  [44004, '文本消息内容为空', 'message'],
  [45001, '多媒体文件大小超过限制', 'message'],
  [45002, '消息内容超过限制', 'message'],
  [45003, '标题字段超过限制', 'message'],
  [45005, '链接字段超过限制', 'message'],
  [45007, '语音播放时间超过限制', 'message'],
  [45008, '图文消息超过限制', 'message'],
  [45009, '接口调用超过限制', 'later'],
  [45011, 'API 调用太频繁', 'slower'],
  [45015, '回复时间超过限制', 'window'],
  [45047, '客服接口下行条数超过上限', 'window'],
  [45072, 'command 字段取值不对', 'message'],
  [45080, '需要之前30秒内跟用户有过消息交互', 'window'],
  [45081, '已经在输入状态', 'message'],
  [45168, '命中敏感词', 'message'],
  [46001, '不存在媒体数据', 'message'],
  [46004, '不存在的用户', 'person'],
  [47001, '解析 JSON/XML 内容错误', 'message'],
  [47003, '模板参数不准确', 'message'],
  [48001, 'api 功能未授权', 'message'],
  [48002, '粉丝拒收消息', 'person'],
  [48004, 'api 接口被封禁', 'message'],
  [48008, '没有该类型消息的发送权限', 'message'],
  [50001, '用户未授权该 api', 'message'],
  [50002, '用户受限', 'account'],
  [50004, '禁止使用 token 接口', 'account'],
  [50005, '用户未关注公众号', 'person'],
  [50007, '账号已冻结', 'account'],
  [61450, '系统错误', 'later'],
  [61451, '参数错误', 'message'],
  [61452, '无效客服账号', 'message'],
  [65400, '未启用新版客服功能', 'account'],
  [65413, '不存在对应用户的会话信息', 'message'],
  [87014, '内容含有违法违规内容', 'message'],
  [89501, '此 IP 正在等待管理员确认', 'account'],
  [89503, '此 IP 调用需要管理员确认', 'account'],
  [89506, '24 小时内该 IP 被管理员拒绝调用两次', 'account'],
  [89507, '1 小时内该 IP 被管理员拒绝调用一次', 'account'],
];

/** In the words of "全局错误码" (path/90313). */
const WECOM: readonly (readonly [number, string, Fate])[] = [
  [-1, '系统繁忙', 'later'],
  [40001, '不合法的 secret 参数', 'account'],
  [40003, '无效的 UserID', 'person'],
  [40004, '不合法的媒体文件类型', 'message'],
  [40006, '不合法的文件大小', 'message'],
  [40007, '不合法的 media_id 参数', 'message'],
  [40008, '不合法的 msgtype 参数', 'message'],
  [40013, '不合法的 CorpID', 'account'],
  [40014, '不合法的 access_token', 'account'],
  [40029, '不合法的 code', 'message'],
  [40058, '不合法的参数', 'message'],
  [40091, 'secret 不合法', 'account'],
  [40096, '不合法的外部联系人 userid', 'person'],
  [41001, '缺少 access_token 参数', 'account'],
  [42001, 'access_token 已过期', 'account'],
  [45001, '多媒体文件大小超过限制', 'message'],
  [45002, '消息内容大小超过限制', 'message'],
  [45009, '接口调用超过限制', 'later'],
  [45033, '接口并发调用超过限制', 'slower'],
  [47001, 'JSON 解析错误', 'message'],
  [48002, 'API 接口无权限调用', 'message'],
  [48004, '授权关系无效', 'account'],
  [48007, '客服账号没有授权给应用', 'account'],
  [50001, 'redirect_url 未登记可信域名', 'message'],
  [50002, '成员不在权限范围', 'message'],
  [50003, '应用已禁用', 'account'],
  [60011, '指定的成员/部门/标签参数无权限', 'message'],
  [60020, '访问 ip 不在白名单之中', 'account'],
  [60111, 'UserID 不存在', 'message'],
  [84061, '不存在外部联系人的关系', 'person'],
  [95000, '不合法的 open_kfid', 'account'],
  [95001, '发送消息数量限制', 'window'],
  [95002, '发送消息时间限制', 'window'],
  [95003, '发送可接待客户咨询数限制', 'message'],
  [95004, 'open_kfid 不存在', 'account'],
  [95007, '不合法的 msgtoken', 'message'],
  [95008, '菜单消息的菜单项个数超过上限', 'message'],
  [95009, '不合法的菜单项类型', 'message'],
  [95011, '已在企业微信使用微信客服', 'account'],
  [95012, '未在企业微信使用微信客服', 'account'],
  [95013, '会话已经结束', 'window'],
  [95014, '用户不是接待人员', 'message'],
  [95016, '不允许的会话状态变更', 'message'],
  [95017, '系统应用权限下的 api 开关状态被关闭', 'account'],
  [95018, '会话状态不允许发送', 'window'],
  [301002, '无权限操作指定的应用', 'message'],
  [301005, '不允许删除创建者', 'message'],
  [2000002, 'CorpId 参数无效', 'account'],
];

describe.each([
  ['WeChat', wechatErrcodes, WECHAT],
  ['WeCom', wecomErrcodes, WECOM],
])('errcodes of %s', (_name, errcodes, documented) => {
  it.each(documented)('%i (%s): %s', (errcode, _words, fate) => {
    const failure = errcodes.failure(errcode);
    expect(fateOf(errcodes, errcode)).toBe(fate);
    expect(failure).toMatchObject({ providerCode: String(errcode), message: expect.stringContaining(`${errcode}`) });
  });

  it('are told in words, each of them', () => {
    const words = documented.map(([errcode]) => errcodes.failure(errcode).message.replace(/ \(errcode.*/, ''));
    expect(words.filter((text) => text === 'the provider refuses it')).toEqual([]);
  });

  it.each([0.5, 7, 99_999, 123_456, -2, NaN])('that nobody documents (%p) refuse the message alone', (errcode) => {
    expect(fateOf(errcodes, errcode)).toBe('message');
    expect(errcodes.failure(errcode).providerCode).toBe(String(errcode));
  });

  it('which say that a token ran out count as refused credentials where a new one is refused too', () => {
    const codes = [...errcodes.expired].map((errcode): FailureCode => errcodes.failure(errcode).code);
    expect(new Set(codes)).toEqual(new Set(['unauthorized']));
  });
});
