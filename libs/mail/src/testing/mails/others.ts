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

/* Thunderbird */
const birdLine = (script: Script) => (earlier: Earlier): string => {
  const { y, m, d, mm, dd, hh, min } = dateOf(earlier.at);
  return zh(script) ? `在 ${y}/${m}/${d} ${hh}:${min}, ${earlier.name} 写道:` : `On ${dd}/${mm}/${y} ${hh}:${min}, ${earlier.name} wrote:`;
}; // prettier-ignore

const birdForward = (script: Script): string[] => {
  const earlier = script.history!;
  const { day, month, d, y, hh, min, ss, m } = dateOf(earlier.at);
  return zh(script)
    ? ['-------- 转发的邮件 --------', `主题: ${earlier.subject}`, `日期: ${y}年${m}月${d}日 ${hh}:${min}:${ss} +0800`, `发件人: ${earlier.name} <${earlier.address}>`, `收件人: ${earlier.to}`, ...earlier.body]
    : ['-------- Forwarded Message --------', `Subject: ${earlier.subject}`, `Date: ${day.slice(0, 3)}, ${d} ${month.slice(0, 3)} ${y} ${hh}:${min}:${ss} +0100`, `From: ${earlier.name} <${earlier.address}>`, `To: ${earlier.to}`, ...earlier.body];
}; // prettier-ignore

function birdPlain(script: Script): Block[] {
  const tail = script.signature ? [plainBlock(false, ['-- ', ...script.signature])] : [];
  if (script.mode === 'forward') return [plainBlock(true, script.body), gap(2), plainBlock(true, birdForward(script))];
  return signed(script, (earlier) => [birdLine(script)(earlier)], tail);
}

function birdHtml(script: Script): Block[] {
  const { body, history, mode, signature } = script;
  const own = block(true, body, `<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body>${each(body, '<p>', '</p>')}`);
  const sign = signature ? [block(false, ['-- ', ...signature], `<pre class="moz-signature" cols="72">-- \n${signature.map(escaped).join('\n')}</pre>`)] : [];
  if (!history || mode === 'fresh') return [own, ...sign];
  if (mode === 'forward') {
    const [marker, ...rest] = birdForward(script);
    const head = rest.slice(0, 4).map((line) => [line.slice(0, line.indexOf(':') + 1), line.slice(line.indexOf(':') + 2)]);
    return [own, block(true, [marker!, ...rest], `<div class="moz-forward-container"><br>${marker}<table class="moz-email-headers-table" cellspacing="0" cellpadding="0" border="0"><tbody>${head.map(([key, value]) => `<tr><th valign="BASELINE" nowrap="nowrap" align="RIGHT">${key} </th><td>${escaped(value!)}</td></tr>`).join('')}</tbody></table><br>${each(history.body, '<p>', '</p>')}</div></body></html>`)];
  }
  const line = birdLine(script);
  const quote = (earlier: Earlier): string => `<div class="moz-cite-prefix">${escaped(line(earlier))}<br></div><blockquote type="cite" cite="mid:CAF@mail.example">${each(earlier.body, '<p>', '</p>')}${earlier.history ? quote(earlier.history) : ''}</blockquote>`;
  const all = (earlier: Earlier): string[] => [line(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
  if (mode === 'below') return [block(false, all(history), quote(history)), own, ...sign];
  if (mode === 'inline') {
    const [first, ...rest] = history.body;
    return [
      block(true, [line(history), first!], `<div class="moz-cite-prefix">${escaped(line(history))}<br></div><blockquote type="cite" cite="mid:CAF@mail.example"><p>${escaped(first!)}</p></blockquote>`),
      block(true, body, each(body, '<p>', '</p>')),
      block(true, rest, `<blockquote type="cite" cite="mid:CAF@mail.example">${each(rest, '<p>', '</p>')}</blockquote><p><br></p>`),
      ...sign,
    ].filter(({ lines }) => lines.length > 0);
  }
  return [own, ...sign, block(false, all(history), `${quote(history)}</body></html>`)];
} // prettier-ignore

/* Yahoo */
const yahooLine = (script: Script) => (earlier: Earlier): string => {
  const { day, month, d, y, hh, h12, min, pm, m, week, halb } = dateOf(earlier.at);
  return zh(script)
    ? `${earlier.name} (<${earlier.address}>) 在 ${y}年${m}月${d}日星期${week} ${halb}${hh}:${min}:00 [GMT+8] 写道：`
    : `On ${day}, ${month} ${d}, ${y} at ${h12}:${min}:00 ${pm} GMT+1, ${earlier.name} <${earlier.address}> wrote:`;
}; // prettier-ignore

function yahooHtml(mobile: boolean) {
  return (script: Script): Block[] => {
    const { body, history } = script;
    const line = yahooLine(script);
    const app = zh(script) ? '发送自雅虎邮箱 Android 版' : 'Sent from Yahoo Mail on Android';
    const own = block(true, body, `<html><head></head><body><div class="ydp4ec1323dyahoo-style-wrap" style="font-family:Helvetica Neue, Helvetica, Arial, sans-serif;font-size:16px;"><div></div>${each(body, '<div dir="ltr" data-setdir="false">', '</div>')}<div><br></div></div>`);
    const sign = mobile ? [block(false, [app], `<div id="ymail_android_signature"><a href="https://mail.onelink.me/107872968">${app}</a></div>`)] : [];
    if (!history) return [own, ...sign];
    const all = (earlier: Earlier): string[] => [line(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
    const quote = (earlier: Earlier): string => `<div id="ydp69ad2c4yahoo_quoted_2158811873" class="yahoo_quoted"><div style="font-size:13px;color:#26282a;"><div>${escaped(line(earlier))}</div><div><br></div><div><br></div><div><div id="yiv3306508764">${each(earlier.body, '<div>', '</div>')}</div></div>${earlier.history ? quote(earlier.history) : ''}</div></div>`;
    return [own, ...sign, block(false, all(history), `${quote(history)}</body></html>`)];
  };
} // prettier-ignore
const yahooPlain = (script: Script): Block[] => {
  const { body, history } = script;
  const all = (earlier: Earlier): string[] => [`    ${yahooLine(script)(earlier)}  `, ' ', ...earlier.body.map((line) => ` ${line}`), ...(earlier.history ? all(earlier.history) : [])];
  return [plainBlock(true, body), gap(), ...(history ? [plainBlock(false, all(history))] : [])];
}; // prettier-ignore

/* Proton */
const protonLine = (script: Script) => (earlier: Earlier): string => {
  const { day, month, d, y, h12, min, pm, hh, m, week } = dateOf(earlier.at);
  return zh(script)
    ? `在 ${y}年${m}月${d}日 星期${week} ${hh}:${min}，${earlier.name} <${earlier.address}> 写道：`
    : `On ${day}, ${month} ${d}th, ${y} at ${h12}:${min} ${pm}, ${earlier.name} <${earlier.address}> wrote:`;
}; // prettier-ignore
function protonHtml(script: Script): Block[] {
  const { body, history } = script;
  const own = block(true, body, each(body, '<div style="font-family: Arial, sans-serif; font-size: 14px;">', '</div>'));
  const footer = zh(script) ? '使用 Proton Mail 安全邮件发送' : 'Sent with Proton Mail secure email.';
  const sign = block(false, [footer], `<div><br></div><div class="protonmail_signature_block"><div class="protonmail_signature_block-user protonmail_signature_block-empty"></div><div class="protonmail_signature_block-proton">${footer}</div></div>`);
  if (!history) return [own, sign];
  const line = protonLine(script);
  const all = (earlier: Earlier): string[] => [line(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
  const quote = (earlier: Earlier): string => `<div class="protonmail_quote">${escaped(line(earlier))}<br><blockquote class="protonmail_quote" type="cite">${each(earlier.body, '<div>', '</div>')}${earlier.history ? quote(earlier.history) : ''}</blockquote><br></div>`;
  return [own, sign, block(false, all(history), `<div><br></div>${quote(history)}`)];
} // prettier-ignore

/* Terminals, German desktops, ticket systems */
const muttLine = (earlier: Earlier): string => {
  const { day, month, dd, y, hh, min, ss } = dateOf(earlier.at);
  return `On ${day.slice(0, 3)}, ${month.slice(0, 3)} ${dd}, ${y} at ${hh}:${min}:${ss}PM +0100, ${earlier.name} wrote:`;
};
const mutt = (script: Script): Block[] =>
  signed(
    script,
    (earlier) => [muttLine(earlier)],
    script.signature ? [plainBlock(false, ['-- ', ...script.signature])] : [],
  );
const german = (script: Script): Block[] =>
  signed(script, (earlier) => {
    const { dd, mm, y, hh, min } = dateOf(earlier.at);
    return [`Am ${dd}.${mm}.${y} um ${hh}:${min} schrieb ${earlier.name}:`];
  });
function germanOutlook(script: Script): Block[] {
  const earlier = script.history;
  if (!earlier) return [plainBlock(true, script.body)];
  const { dd, mm, y, hh, min } = dateOf(earlier.at);
  const lines = [`Von: ${earlier.name} <${earlier.address}>`, `Gesendet: Montag, ${dd}. ${mm} ${y} ${hh}:${min}`, `An: ${earlier.toName} <${earlier.to}>`, `Betreff: ${earlier.subject}`, '', ...earlier.body];
  return [plainBlock(true, script.body), gap(), plainBlock(false, lines)];
} // prettier-ignore
function zoho(script: Script): Block[] {
  const { body, history } = script;
  const own = block(true, body, `<div style="font-family: Verdana, Arial, Helvetica, sans-serif; font-size: 10pt;">${each(body, '<div>', '<br></div>')}`);
  if (!history) return [own];
  const { day, month, dd, y, hh, min, ss } = dateOf(history.at);
  const line = zh(script) ? `---- 在 ${y}-${dateOf(history.at).mm}-${dd} ${hh}:${min}:${ss} +0800 ${history.name} <${history.address}> 撰写 ----` : `---- On ${day.slice(0, 3)}, ${dd} ${month.slice(0, 3)} ${y} ${hh}:${min}:${ss} +0100 ${history.name} <${history.address}> wrote ---`;
  return [own, block(false, [line, ...history.body], `<div style="" class="zmail_extra"><br><div id="Zm-_Id_-Sgn1">${escaped(line)}<br></div><br><blockquote style="border-left: 1px solid rgb(204, 204, 204); padding-left: 6px; margin: 0px 0px 0px 5px;">${each(history.body, '<div>', '</div>')}</blockquote></div><div><br></div></div>`)];
} // prettier-ignore
function yandex(script: Script): Block[] {
  const { body, history } = script;
  const own = block(true, body, each(body, '<div>', '</div>'));
  if (!history) return [own];
  const { dd, mm, y, hh, min } = dateOf(history.at);
  const line = `${dd}.${mm}.${y}, ${hh}:${min}, "${history.name}" <${history.address}>:`;
  return [own, block(false, [line, ...history.body], `<div><br /></div><div>${escaped(line)}</div><blockquote>${each(history.body, '<div>', '</div>')}</blockquote>`)];
} // prettier-ignore

const both = ['en', 'zh'] as const;
export const others: readonly Client[] = [
  { name: 'Thunderbird', languages: both, headers: ['User-Agent: Mozilla Thunderbird', 'Content-Language: en-GB'], plain: birdPlain, html: birdHtml },
  { name: 'Yahoo', languages: both, headers: ['X-Mailer: WebService/1.1.22840 YMailNorrin'], plain: yahooPlain, html: yahooHtml(false) },
  { name: 'Yahoo, Android', languages: both, headers: ['X-Mailer: WebService/1.1.22840 YahooMailAndroidMobile'], html: yahooHtml(true) },
  { name: 'mutt', languages: ['en'], headers: ['User-Agent: Mutt/2.2.12'], plain: mutt },
  { name: 'Proton', languages: both, holdOut: true, headers: ['X-Pm-Origin: internal'], html: protonHtml },
  { name: 'Zoho', languages: both, holdOut: true, headers: ['X-Mailer: Zoho Mail'], html: zoho },
  { name: 'Yandex', languages: both, holdOut: true, headers: ['X-Mailer: Yamail [ http://yandex.ru ] 5.0'], html: yandex },
  { name: 'Thunderbird, German', languages: ['en'], holdOut: true, headers: ['User-Agent: Mozilla Thunderbird'], plain: german },
  { name: 'Outlook, German', languages: ['en'], holdOut: true, headers: ['X-Mailer: Microsoft Outlook 16.0'], plain: germanOutlook },
]; // prettier-ignore
