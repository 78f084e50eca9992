import {
  block,
  dateOf,
  each,
  escaped,
  gap,
  plainBlock,
  type Block,
  type Client,
  type Earlier,
  type Script,
} from './script.js';

const zh = ({ language }: Script): boolean => language === 'zh';

/** The headers that Outlook puts above of what it quotes. */
function head(script: Script, earlier: Earlier, mobile = false): [key: string, value: string][] {
  const { day, month, d, y, h12, h, min, pm, m } = dateOf(earlier.at);
  const from = `${earlier.name} <${earlier.address}>`;
  if (zh(script))
    return [[mobile ? '发件人:' : '发件人:', from], [mobile ? '日期:' : '发送时间:', `${y}年${m}月${d}日 ${h}:${min}`], ['收件人:', `${earlier.toName} <${earlier.to}>`], ['主题:', earlier.subject]];
  return [['From:', from], [mobile ? 'Date:' : 'Sent:', `${day}, ${month} ${d}, ${y} ${h12}:${min} ${pm}`], ['To:', `${earlier.toName} <${earlier.to}>`], ['Subject:', earlier.subject]];
} // prettier-ignore

const headLines = (script: Script, earlier: Earlier, mobile = false): string[] =>
  head(script, earlier, mobile).map(([key, value]) => `${key} ${value}`);
const all = (script: Script, earlier: Earlier): string[] => [
  ...headLines(script, earlier),
  ...earlier.body,
  ...(earlier.history ? all(script, earlier.history) : []),
];

const underline = '________________________________';

function plain(kind: 'desktop' | 'web' | 'mobile' | 'original') {
  return (script: Script): Block[] => {
    const { body, history, mode, signature, disclaimer } = script;
    const own = plainBlock(true, body);
    const words = zh(script) ? '获取 Outlook for iOS' : 'Get Outlook for iOS<https://aka.ms/o0ukef>';
    const sign = kind === 'mobile' ? [gap(), plainBlock(false, [words])] : signature ? [gap(), plainBlock(false, ['--', ...signature])] : [];
    const end = disclaimer ? [gap(), plainBlock(false, disclaimer)] : [];
    if (!history || mode === 'fresh') return [own, ...sign, ...end];
    const kept = mode === 'forward';
    const rule = kind === 'original' ? `-----${zh(script) ? '邮件原件' : 'Original Message'}-----` : underline;
    const texts = (earlier: Earlier): string[] => [...headLines(script, earlier), '', ...earlier.body, ...(earlier.history ? ['', kind === 'original' ? rule : underline, ...texts(earlier.history)] : [])];
    const lines = kind === 'desktop' ? texts(history) : [rule, ...texts(history)];
    return [own, ...sign, gap(), plainBlock(kept, lines), ...end];
  };
} // prettier-ignore

const WORD_HEAD =
  '<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40"><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><meta name="Generator" content="Microsoft Word 15 (filtered medium)"><!--[if !mso]><style>v\\:* {behavior:url(#default#VML);}</style><![endif]--><style><!-- p.MsoNormal, li.MsoNormal, div.MsoNormal {margin:0cm; font-size:11.0pt; font-family:"Calibri",sans-serif;} --></style></head><body lang="EN-US" link="#0563C1" vlink="#954F72" style="word-wrap:break-word"><div class="WordSection1">';
const word = (lines: readonly string[]) =>
  lines.map((line) => `<p class="MsoNormal"><span lang="EN-US">${line === '' ? '<o:p>&nbsp;</o:p>' : escaped(line)}<o:p></o:p></span></p>`).join(''); // prettier-ignore

function desktop(script: Script): Block[] {
  const { body, history, mode, signature, disclaimer } = script;
  const own = block(true, body, `${WORD_HEAD}${word(body)}<p class="MsoNormal"><o:p>&nbsp;</o:p></p>`);
  const sign = signature
    ? [block(false, signature, signature.map((line, i) => `<p class="MsoNormal">${i === 0 ? '<a name="_MailAutoSig"><span style="mso-fareast-language:EN-US">' : '<span style="mso-bookmark:_MailAutoSig"><span style="color:#1F3864">'}${escaped(line)}<o:p></o:p></span>${i === 0 ? '</a>' : '</span>'}</p>`).join(''))]
    : [];
  const close = disclaimer ? [block(false, disclaimer, `${word(disclaimer)}</div></body></html>`)] : [];
  if (!history || mode === 'fresh') return [own, ...sign, ...close];
  const part = (earlier: Earlier): string =>
    `<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">${head(script, earlier).map(([key, value]) => `<b><span lang="EN-US">${key}</span></b><span lang="EN-US"> ${escaped(value)}`).join('<br></span>')}<o:p></o:p></span></p></div></div><p class="MsoNormal"><o:p>&nbsp;</o:p></p>${word(earlier.body)}${earlier.history ? part(earlier.history) : ''}`;
  return [own, ...sign, block(mode === 'forward', all(script, history), part(history)), ...close];
} // prettier-ignore

function web(kind: 'web' | 'mobile') {
  return (script: Script): Block[] => {
    const { body, history, mode, signature } = script;
    const style = 'style="font-family: Aptos, Aptos_EmbeddedFont, Calibri, Helvetica, sans-serif; font-size: 12pt; color: rgb(0, 0, 0);"';
    const own = block(true, body, `<html><head><style type="text/css" style="display:none;"> P {margin-top:0;margin-bottom:0;} </style></head><body dir="ltr">${each(body, `<div class="elementToProof" ${style}>`, '</div>')}`);
    const ios = zh(script) ? '获取 Outlook for iOS' : 'Get Outlook for iOS';
    const sign =
      kind === 'mobile'
        ? [block(false, [ios], `<div id="ms-outlook-mobile-signature"><div><br></div>${zh(script) ? '获取 ' : 'Get '}<a href="https://aka.ms/o0ukef">Outlook for iOS</a></div>`)]
        : signature
          ? [block(false, signature, `<div ${style}><br></div><div id="Signature">${each(signature, '<p style="margin: 0in;">', '</p>')}</div>`)]
          : [];
    if (!history || mode === 'fresh') return [own, ...sign];
    const part = (earlier: Earlier, outer: boolean): string =>
      `${outer && kind === 'web' ? '<div id="appendonsend"></div>' : ''}<hr style="display:inline-block;width:98%" tabindex="-1"><div id="${outer ? '' : 'x_'}divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000">${head(script, earlier, kind === 'mobile').map(([key, value]) => `<b>${key}</b> ${escaped(value)}`).join('<br>')}</font><div>&nbsp;</div></div><div>${each(earlier.body, '<div>', '</div>')}${earlier.history ? part(earlier.history, false) : ''}</div>`;
    const lines = (earlier: Earlier): string[] => [...headLines(script, earlier, kind === 'mobile'), ...earlier.body, ...(earlier.history ? lines(earlier.history) : [])];
    return [own, ...sign, block(mode === 'forward', lines(history), `${part(history, true)}</body></html>`)];
  };
} // prettier-ignore

export const outlook: readonly Client[] = [
  { name: 'Outlook desktop', languages: ['en', 'zh'], headers: ['X-Mailer: Microsoft Outlook 16.0', 'Thread-Index: AQHbNxM1r0kT8Z4mVkW2'], plain: plain('desktop'), html: desktop },
  { name: 'Outlook classic, plain', languages: ['en', 'zh'], headers: ['X-Mailer: Microsoft Office Outlook 12.0'], plain: plain('original') },
  { name: 'Outlook web', languages: ['en', 'zh'], headers: ['x-ms-exchange-messagesentrepresentingtype: 1'], plain: plain('web'), html: web('web') },
  { name: 'Outlook mobile', languages: ['en', 'zh'], headers: ['x-ms-publictraffictype: Email'], plain: plain('mobile'), html: web('mobile') },
]; // prettier-ignore
