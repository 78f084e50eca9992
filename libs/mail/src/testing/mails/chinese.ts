import {
  block,
  dateOf,
  each,
  escaped,
  gap,
  plainBlock,
  signed,
  type Block,
  type Client,
  type Earlier,
  type Script,
} from './script.js';

const zh = ({ language }: Script): boolean => language === 'zh';
const DAYPARTS = [
  '凌晨',
  '凌晨',
  '凌晨',
  '清晨',
  '清晨',
  '清晨',
  '早上',
  '早上',
  '上午',
  '上午',
  '上午',
  '中午',
  '中午',
  '下午',
  '下午',
  '下午',
  '下午',
  '下午',
  '晚上',
  '晚上',
  '晚上',
  '晚上',
  '晚上',
  '晚上',
];
const time = (at: Date): string => {
  const { y, mm, dd, hh, min, ss } = dateOf(at);
  return `${y}-${mm}-${dd} ${hh}:${min}:${ss}`;
};

/** A mail whose history stands under a block of headers. `frame`: how the program draws it. */
interface Style {
  readonly fields: (script: Script, earlier: Earlier) => readonly (readonly [key: string, value: string])[];
  readonly marker?: (script: Script) => string;
  readonly nestedMarker?: boolean;
  readonly sign?: (script: Script) => { readonly lines: readonly string[]; readonly raw: string } | undefined;
  readonly open: string;
  readonly line: readonly [before: string, after: string];
  readonly frame: (marker: string, fields: readonly (readonly [string, string])[], inner: string) => string;
}

function framedHtml(style: Style) {
  return (script: Script): Block[] => {
    const { body, history, mode } = script;
    const sign = style.sign?.(script);
    const own = [block(true, body, `${style.open}${each(body, ...style.line)}`), ...(sign ? [block(false, sign.lines, sign.raw)] : [])];
    if (!history || mode === 'fresh') return own;
    const marker = style.marker?.(script);
    const seen = (earlier: Earlier): string[] => [...(marker === undefined ? [] : [marker.replace(/&nbsp;/g, ' ')]), ...style.fields(script, earlier).map(([key, value]) => `${key} ${value}`), ...earlier.body, ...(earlier.history ? seen(earlier.history) : [])];
    const raw = (earlier: Earlier): string => style.frame(marker ?? '', style.fields(script, earlier), `${each(earlier.body, '<div>', '</div>')}${earlier.history ? raw(earlier.history) : ''}`);
    return [...own, block(mode === 'forward', seen(history), raw(history))];
  };
} // prettier-ignore

function framedPlain(style: Style, rule?: (script: Script) => string) {
  return (script: Script): Block[] => {
    const { body, history, mode } = script;
    const sign = style.sign?.(script);
    const own = [plainBlock(true, body), ...(sign ? [gap(), plainBlock(false, sign.lines)] : [])];
    if (!history || mode === 'fresh') return own;
    const marker = rule?.(script) ?? style.marker?.(script).replace(/&nbsp;/g, ' ');
    const texts = (earlier: Earlier): string[] => [...(marker ? [marker] : []), ...style.fields(script, earlier).map(([key, value]) => `${key} ${value}`), '', ...earlier.body, ...(earlier.history ? ['', ...texts(earlier.history)] : [])];
    return [...own, gap(2), plainBlock(mode === 'forward', texts(history))];
  };
} // prettier-ignore

const QQ: Style = {
  fields: (script, earlier) => {
    const { y, m, d, week, h, min, day, month } = dateOf(earlier.at);
    return zh(script)
      ? [['发件人:', `"${earlier.name}"<${earlier.address}>;`], ['发送时间:', `${y}年${m}月${d}日(星期${week}) ${DAYPARTS[h]}${h % 12 || 12}:${min}`], ['收件人:', `"${earlier.toName}"<${earlier.to}>;`], ['主题:', earlier.subject]]
      : [['From:', `"${earlier.name}"<${earlier.address}>;`], ['Date:', `${day.slice(0, 3)}, ${month.slice(0, 3)} ${d}, ${y} ${h}:${min}`], ['To:', `"${earlier.toName}"<${earlier.to}>;`], ['Subject:', earlier.subject]];
  },
  marker: (script) => `------------------&nbsp;${zh(script) ? '原始邮件' : 'Original'}&nbsp;------------------`,
  open: '',
  line: ['<div>', '</div>'],
  frame: (marker, fields, inner) =>
    `<div><br></div><div><br></div><div style="font-size: 12px;font-family: Arial Narrow;padding:2px 0 2px 0;">${marker}</div><div style="font-size: 12px;background:#efefef;padding:8px;">${fields.map(([key, value]) => `<div><b>${key}</b>&nbsp;${escaped(value)}</div>`).join('')}</div><div><br></div>${inner}<style type="text/css">.qmbox style, .qmbox script, .qmbox head, .qmbox link, .qmbox meta {display: none !important;}</style>`,
}; // prettier-ignore

const QQ_PHONE: Style = {
  ...QQ,
  sign: (script) => (zh(script) ? { lines: ['发自我的iPhone'], raw: '<div><br></div><div>发自我的iPhone</div>' } : { lines: ['Sent from my iPhone'], raw: '<div><br></div><div>Sent from my iPhone</div>' }),
}; // prettier-ignore

const QQ_NEW: Style = {
  ...QQ,
  fields: (script, earlier) => {
    const { y, m, d, hh, min, month } = dateOf(earlier.at);
    return zh(script)
      ? [['发件人：', `${earlier.name} <${earlier.address}>`], ['发件时间：', `${y}年${m}月${d}日 ${hh}:${min}`], ['收件人：', `${earlier.toName} <${earlier.to}>`], ['主题：', earlier.subject]]
      : [['From:', `${earlier.name} <${earlier.address}>`], ['Sent Time:', `${month.slice(0, 3)} ${d}, ${y} ${hh}:${min}`], ['To:', `${earlier.toName} <${earlier.to}>`], ['Subject:', earlier.subject]];
  },
  marker: (script) => (zh(script) ? '原始邮件' : 'Original'),
  frame: (marker, fields, inner) =>
    `<div><br></div><article style="line-height: 1.43;"><div style="display:flex;align-items:center;padding-top:8px" contenteditable="false">\n        <div style="color:#959DA6;font-size:12px;line-height:30px">${marker}</div>\n        <hr style="flex-grow:1">\n      </div><table data-uneditable="true" style="line-height: 20px;"><tbody><tr><td>${fields.map(([key, value]) => `<div style="display:flex"><span style="color:#5C6066">${key}</span><span>${escaped(value)}</span></div>`).join('')}</td></tr></tbody></table><div><br></div>${inner}</article>`,
}; // prettier-ignore

const FOXMAIL: Style = {
  fields: (script, earlier) => {
    const { y, mm, dd, hh, min } = dateOf(earlier.at);
    return zh(script)
      ? [['发件人：', `${earlier.name} <${earlier.address}>`], ['发送时间：', `${y}-${mm}-${dd} ${hh}:${min}`], ['收件人：', earlier.to], ['主题：', earlier.subject]]
      : [['From:', earlier.address], ['Date:', `${y}-${mm}-${dd} ${hh}:${min}`], ['To:', earlier.to], ['Subject:', earlier.subject]];
  },
  sign: ({ signature }) =>
    signature && {
      lines: signature,
      raw: `<div><br></div><hr style="width: 210px; height: 1px;" color="#b5c4df" size="1" align="left"><div><span><div style="MARGIN: 10px; FONT-FAMILY: verdana; FONT-SIZE: 10pt">${each(signature, '<div>', '</div>')}</div></span></div>`,
    },
  open: '<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"><style>body { line-height: 1.5; }blockquote { margin-top: 0px; margin-bottom: 0px; margin-left: 0.5em; }</style></head><body>',
  line: ['<div><span></span>', '</div>'],
  frame: (_marker, fields, inner) =>
    `<blockquote style="margin-top: 0px; margin-bottom: 0px; margin-left: 0.5em;"><div>&nbsp;</div><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm 0cm"><div style="PADDING-RIGHT: 8px; PADDING-LEFT: 8px; FONT-SIZE: 12px;FONT-FAMILY:tahoma;COLOR:#000000; BACKGROUND: #efefef; PADDING-BOTTOM: 8px; PADDING-TOP: 8px">${fields.map(([key, value]) => `<div><b>${key}</b>&nbsp;${escaped(value)}</div>`).join('')}</div></div><div>${inner}</div></blockquote></body></html>`,
}; // prettier-ignore

/* NetEase: 163, 126, yeah */
const neteaseLine = (script: Script) => (earlier: Earlier): string =>
  zh(script) ? `在 ${time(earlier.at)}，"${earlier.name}" <${earlier.address}> 写道：` : `At ${time(earlier.at)}, "${earlier.name}" <${earlier.address}> wrote:`; // prettier-ignore

function neteasePlain(script: Script): Block[] {
  if (script.mode !== 'forward') return signed(script, (earlier) => [neteaseLine(script)(earlier), ''].slice(0, 1));
  return [plainBlock(true, script.body), gap(3), plainBlock(true, neteaseForward(script))];
}

function neteaseForward(script: Script): string[] {
  const earlier = script.history!;
  return zh(script)
    ? ['-------- 转发邮件信息 --------', `发件人："${earlier.name}" <${earlier.address}>`, `发送日期：${time(earlier.at)}`, `收件人：${earlier.to}`, `主题：${earlier.subject}`, ...earlier.body]
    : ['-------- Forwarding messages --------', `From: "${earlier.name}" <${earlier.address}>`, `Date: ${time(earlier.at)}`, `To: ${earlier.to}`, `Subject: ${earlier.subject}`, ...earlier.body];
} // prettier-ignore

function neteaseHtml(script: Script): Block[] {
  const { body, history, mode, signature } = script;
  const own = block(true, body, `<div style="line-height:1.7;color:#000000;font-size:14px;font-family:Arial">${each(body, '<div style="margin: 0;">', '</div>')}`);
  const sign = signature ? [block(false, signature, `<div style="position:relative;zoom:1">--<br><div id="ntes-pcmac-signature">${each(signature, '<div>', '</div>')}</div></div>`)] : [];
  if (!history || mode === 'fresh') return [own, ...sign];
  if (mode === 'forward') {
    const lines = neteaseForward(script);
    return [own, ...sign, block(true, lines, `<br><br>${lines.slice(0, 5).map(escaped).join('<br>')}<br><blockquote id="isReplyContent" style="PADDING-LEFT: 1ex; MARGIN: 0px 0px 0px 0.8ex; BORDER-LEFT: #ccc 1px solid">${each(history.body, '<div>', '</div>')}</blockquote>`)];
  }
  const all = (earlier: Earlier): string[] => [neteaseLine(script)(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
  const raw = (earlier: Earlier): string => `${escaped(neteaseLine(script)(earlier))}<br><blockquote id="isReplyContent" style="PADDING-LEFT: 1ex; MARGIN: 0px 0px 0px 0.8ex; BORDER-LEFT: #ccc 1px solid">${each(earlier.body, '<div>', '</div>')}${earlier.history ? raw(earlier.history) : ''}</blockquote>`;
  return [own, ...sign, block(false, all(history), `<p><br></p><div id="divNeteaseMailCard"></div><p style="margin: 0;"><br></p>${raw(history)}</div><br><br><span title="neteasefooter"><p>&nbsp;</p></span>`)];
} // prettier-ignore

const masterFields = (script: Script, earlier: Earlier): [string, string][] => {
  const { y, m, d, hh, min, mm, dd } = dateOf(earlier.at);
  return zh(script)
    ? [['发件人', `${earlier.name}<${earlier.address}>`], ['发送日期', `${y}年${m}月${d}日 ${hh}:${min}`], ['收件人', `<${earlier.to}>`], ['主题', earlier.subject]]
    : [['From', `${earlier.name}<${earlier.address}>`], ['Date', `${mm}/${dd}/${y} ${hh}:${min}`], ['To', `<${earlier.to}>`], ['Subject', earlier.subject]];
}; // prettier-ignore
const masterMarker = (script: Script): string =>
  script.mode === 'forward'
    ? zh(script) ? '---- 转发的原邮件 ----' : '---- Forwarded Message ----'
    : zh(script) ? '---- 回复的原邮件 ----' : '---- Replied Message ----'; // prettier-ignore

function masterPlain(script: Script): Block[] {
  const { body, history, mode } = script;
  if (!history || mode === 'fresh') return [plainBlock(true, body)];
  const texts = (earlier: Earlier): string[] => [masterMarker(script), ...masterFields(script, earlier).map(([key, value]) => `| ${key} | ${value} |`), ...earlier.body, ...(earlier.history ? texts(earlier.history) : [])];
  return [plainBlock(true, body), gap(2), plainBlock(mode === 'forward', texts(history))];
} // prettier-ignore

function masterHtml(script: Script): Block[] {
  const { body, history, mode, signature } = script;
  const own = block(true, body, each(body, '<div>', '</div>'));
  const sign = block(false, signature ?? [], `<div id="imail_signature" class="ntes-signature">${each(signature ?? [], '<div>', '</div>')}</div>`);
  if (!history || mode === 'fresh') return [own, sign];
  const raw = (earlier: Earlier): string => `<div class="J-reply ntes-mailmaster-quote" style="padding-top: 1px; padding-bottom: 1px"><div style="margin-top: 2em;margin-bottom: 1em;font-size: 14px;color: #78787a;">${masterMarker(script)}</div><div style="margin-bottom: 1em;font-size: 12px;"><table width="100%" cellpadding="0" cellspacing="9" border="0"><tbody>${masterFields(script, earlier).map(([key, value]) => `<tr><td valign="top" style="width: 4.25em;"><span style="color:#8b8d94">${key}</span></td><td valign="top" style="word-break: break-all;">${escaped(value)}</td></tr>`).join('')}</tbody></table></div>${each(earlier.body, '<div>', '</div>')}${earlier.history ? raw(earlier.history) : ''}</div>`;
  const all = (earlier: Earlier): string[] => [masterMarker(script), ...masterFields(script, earlier).map(([key, value]) => `${key} ${value}`), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
  return [own, sign, block(mode === 'forward', all(history), raw(history))];
} // prettier-ignore

/* Phones */
const phone = (words: readonly [zh: string, en: string]) => (script: Script) => {
  const text = words[zh(script) ? 0 : 1];
  return { lines: [text], raw: `<div><br></div><div>${text}</div>` };
};
const ANDROID: Style = {
  fields: (script, earlier) => {
    const { y, m, d, week, hh, h12, min, pm } = dateOf(earlier.at);
    return zh(script)
      ? [['发件人：', `${earlier.name} <${earlier.address}>`], ['日期：', `${y}年${m}月${d}日周${week} ${hh}:${min}`], ['收件人：', `${earlier.toName} <${earlier.to}>`], ['主题：', earlier.subject]]
      : [['From:', `${earlier.name} <${earlier.address}>`], ['Date:', `${mm(earlier)} ${h12}:${min} ${pm} (GMT+01:00)`], ['To:', `${earlier.toName} <${earlier.to}>`], ['Subject:', earlier.subject]];
  },
  marker: (script) => `-------- ${zh(script) ? '原始邮件' : 'Original message'} --------`,
  open: '<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body dir="auto">',
  line: ['<div dir="auto">', '</div>'],
  frame: (marker, fields, inner) => `<div><br></div><div align="left" dir="auto" style="font-size:100%;color:#000000"><div>${marker}</div>${fields.map(([key, value]) => `<div>${key} ${escaped(value)} </div>`).join('')}<div><br></div></div>${inner}</body></html>`,
}; // prettier-ignore
const mm = (earlier: Earlier): string => `${dateOf(earlier.at).mm}/${dateOf(earlier.at).dd}/${dateOf(earlier.at).y}`;
const HUAWEI: Style = { ...ANDROID, sign: phone(['发自我的华为手机', 'Sent from my HUAWEI phone']) };
const SAMSUNG: Style = {
  ...ANDROID,
  sign: (script) => ({ ...phone(['从我的 Galaxy 发送', 'Sent from my Galaxy'])(script), raw: `<div id="composer_signature" dir="auto"><div style="font-size:14px;color:#010101" dir="auto">${zh(script) ? '从我的 Galaxy 发送' : 'Sent from my Galaxy'}</div></div>` }),
}; // prettier-ignore

const xiaomiLine = (earlier: Earlier): string => {
  const { y, m, d, h12, min, halb } = dateOf(earlier.at);
  return `在 ${earlier.name} <${earlier.address}>，${y}年${m}月${d}日 ${halb}${h12}:${min}写道：`;
};
const xiaomiPlain = (script: Script): Block[] =>
  signed(script, (earlier) => [xiaomiLine(earlier)], [plainBlock(false, ['发自我的小米手机'])]);
function xiaomiHtml(script: Script): Block[] {
  const { body, history } = script;
  const own = [block(true, body, each(body, '<div>', '</div>')), block(false, ['发自我的小米手机'], '<br><div>发自我的小米手机</div>')];
  if (!history) return own;
  const all = (earlier: Earlier): string[] => [xiaomiLine(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
  const raw = (earlier: Earlier): string => `<div class="elided-text">${escaped(xiaomiLine(earlier))}<br><blockquote class="quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex">${each(earlier.body, '<div>', '</div>')}${earlier.history ? raw(earlier.history) : ''}</blockquote></div>`;
  return [...own, block(false, all(history), raw(history))];
} // prettier-ignore

const WECOM: Style = { ...QQ, sign: phone(['发自我的企业微信', 'Sent from my WeCom']) };
const MAIL139: Style = {
  ...QQ,
  line: ['<div style="color: #000000;">', '</div>'],
  frame: (marker, fields, inner) => `<div id="signContainer"></div><hr id="replySplit"><div id="reply139content"><div id="mainReplyContent"><div>${marker}</div>${fields.map(([key, value]) => `<div><b>${key}</b>&nbsp;${escaped(value)}</div>`).join('')}${inner}</div></div>`,
}; // prettier-ignore
const SINA: Style = {
  fields: (_script, earlier) => {
    const { y, mm: month, dd, hh, min } = dateOf(earlier.at);
    return [['发件人：', `${earlier.name} <${earlier.address}>`], ['收件人：', earlier.to], ['主题：', earlier.subject], ['日期：', `${y}年${month}月${dd}日 ${hh}点${min}分`]];
  },
  marker: () => '----- 原始邮件 -----',
  open: '',
  line: ['', '<br />'],
  frame: (marker, fields, inner) => `<div id="origbody"><div style="background: #f2f2f2;">${marker}<br />${fields.map(([key, value]) => `${key} ${escaped(value)}`).join('<br />')}<br /></div><br />${inner}</div>`,
}; // prettier-ignore

const both = ['en', 'zh'] as const;
export const chinese: readonly Client[] = [
  { name: 'QQ Mail', languages: both, headers: ['X-Mailer: QQMail 2.x', 'X-QQ-mid: webmail812t1731722581t8m5'], plain: framedPlain(QQ), html: framedHtml(QQ) },
  { name: 'QQ Mail, phone', languages: both, headers: ['X-Mailer: QQMail 6.x', 'X-QQ-mid: xmsmtpt1731722581t8m5'], plain: framedPlain(QQ_PHONE), html: framedHtml(QQ_PHONE) },
  { name: 'QQ Mail, new', languages: both, headers: ['X-Mailer: QQMail 2.x', 'X-QQ-XMAILINFO: NjR'], plain: framedPlain(QQ_NEW, (script) => `         ${zh(script) ? '原始邮件' : 'Original'}\n         \n       `), html: framedHtml(QQ_NEW) },
  { name: 'Foxmail', languages: both, headers: ['X-Mailer: Foxmail 7.2.25.245[cn]', 'X-Priority: 3'], plain: framedPlain(FOXMAIL, () => ' '), html: framedHtml(FOXMAIL) },
  { name: 'NetEase web', languages: both, headers: ['X-Mailer: Coremail Webmail Server Version XT5.0.14', 'X-CM-CTRLMSGS: 0kP5k3Bsdz1'], plain: neteasePlain, html: neteaseHtml },
  { name: 'NetEase Mail Master', languages: both, headers: ['X-Mailer: MailMasterPC/5.0.1.1008 (Win10 22H2)', 'X-CUSTOM-MAIL-MASTER-SENT-ID: 3F2A'], plain: masterPlain, html: masterHtml },
  { name: 'Huawei', languages: both, headers: ['X-Mailer: HuaweiEmail'], plain: framedPlain(HUAWEI), html: framedHtml(HUAWEI) },
  { name: 'Xiaomi', languages: ['zh'], headers: ['X-Mailer: MiuiMail'], plain: xiaomiPlain, html: xiaomiHtml },
  { name: 'WeChat Work mail', languages: both, headers: ['X-Mailer: QQMail 2.x', 'X-QQ-Org-Info: wxwork'], plain: framedPlain(WECOM), html: framedHtml(WECOM) },
  { name: 'Samsung', languages: both, holdOut: true, headers: ['X-Mailer: SamsungEmail'], plain: framedPlain(SAMSUNG), html: framedHtml(SAMSUNG) },
  { name: '139 Mail', languages: ['zh'], holdOut: true, headers: ['X-Mailer: Richmail_Webapp(V2.4.58)'], html: framedHtml(MAIL139) },
  { name: 'Sina', languages: ['zh'], holdOut: true, headers: ['X-Mailer: Sina WebMail 4.0'], html: framedHtml(SINA) },
]; // prettier-ignore
