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

const who = ({ name, address }: Earlier): string => `${name} <${address}>`;
const zh = ({ language }: Script): boolean => language === 'zh';

/* Gmail */
const gmailLine = (script: Script) => (earlier: Earlier): string => {
  const { day, month, d, y, h12, min, pm, m, week, hh } = dateOf(earlier.at);
  return zh(script)
    ? `${who(earlier)} 于${y}年${m}月${d}日周${week} ${hh}:${min}写道：`
    : `On ${day.slice(0, 3)}, ${month.slice(0, 3)} ${d}, ${y} at ${h12}:${min}\u202f${pm} ${who(earlier)} wrote:`;
}; // prettier-ignore

function gmailPlain(script: Script): Block[] {
  const tail = script.signature ? [plainBlock(false, ['-- ', ...script.signature])] : [];
  if (script.mode === 'forward') return [plainBlock(true, script.body), gap(), ...tail, gap(), plainBlock(true, gmailForward(script.history!))];
  // Long lines are wrapped at 72 columns, also the attribution.
  const wrap = (line: string) => (line.length > 72 ? [line.slice(0, line.lastIndexOf(' ', 72)), line.slice(line.lastIndexOf(' ', 72) + 1)] : [line]);
  return signed(script, (earlier) => wrap(gmailLine(script)(earlier)), tail);
} // prettier-ignore

const gmailForward = (earlier: Earlier): string[] => {
  const { day, month, d, y, h12, min, pm } = dateOf(earlier.at);
  return [
    '---------- Forwarded message ---------',
    `From: ${earlier.name} <${earlier.address}>`,
    `Date: ${day.slice(0, 3)}, ${month.slice(0, 3)} ${d}, ${y} at ${h12}:${min} ${pm}`,
    `Subject: ${earlier.subject}`,
    `To: ${earlier.toName} <${earlier.to}>`,
    ...earlier.body,
  ];
};

function gmailQuote(script: Script, earlier: Earlier, kept = false): Block {
  const line = gmailLine(script)(earlier);
  const nested = earlier.history ? gmailQuote(script, earlier.history) : undefined;
  const attribution = escaped(line).replace(`&lt;${earlier.address}&gt;`, `&lt;<a href="mailto:${earlier.address}">${earlier.address}</a>&gt;`);
  return block(
    kept,
    [line, ...earlier.body, ...(nested?.lines ?? [])],
    `<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">${attribution}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"><div dir="ltr">${each(earlier.body, '<div>', '</div>')}${nested?.raw ?? ''}</div></blockquote></div>`,
  );
} // prettier-ignore

function gmailHtml(script: Script): Block[] {
  const { body, signature, history, mode } = script;
  const own = block(true, body, `<div dir="ltr">${each(body, '<div>', '</div>')}</div>`);
  const sign = signature
    ? [
        block(
          false,
          signature,
          `<div><br clear="all"></div><div><br></div><span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature"><div dir="ltr">${each(signature, '<div>', '</div>')}</div></div>`,
        ),
      ]
    : [];
  if (!history || mode === 'fresh') return [own, ...sign];
  if (mode === 'forward') {
    const [marker, ...rest] = gmailForward(history);
    const head = rest.slice(0, 4);
    return [
      own,
      ...sign,
      block(
        true,
        [marker!, ...rest],
        `<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">${marker}<br>${head.map(escaped).join('<br>')}<br></div><br><br><div dir="ltr">${each(history.body, '<div>', '</div>')}</div></div>`,
      ),
    ];
  }
  if (mode === 'inline') {
    const [first, ...others] = history.body;
    const line = gmailLine(script)(history);
    const quote = (lines: readonly string[]) =>
      `<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">${each(lines, '<div>', '</div>')}</blockquote>`;
    return [
      block(true, [line, first!], `<div dir="ltr"><div class="gmail_quote"><div dir="ltr" class="gmail_attr">${escaped(line)}<br></div>${quote([first!])}`),
      block(true, [body[0]!], `<div><br></div><div>${escaped(body[0]!)}</div>`),
      block(true, others, quote(others.length > 0 ? others : ['.'])),
      block(true, body.slice(1), `<div>${each(body.slice(1), '<div>', '</div>')}</div></div></div>`),
    ].filter(({ lines }) => lines.length > 0);
  }
  return [own, ...sign, gmailQuote(script, history)];
} // prettier-ignore

/* Apple Mail */
const appleLine = (script: Script) => (earlier: Earlier): string => {
  const { month, d, y, hh, min, m, halb, h12 } = dateOf(earlier.at);
  return zh(script)
    ? `${y}年${m}月${d}日 ${halb}${h12}:${min}，${earlier.name} <${earlier.address}> 写道：`
    : `On ${d} ${month.slice(0, 3)} ${y}, at ${hh}:${min}, ${earlier.name} <${earlier.address}> wrote:`;
}; // prettier-ignore

const device = (script: Script): string => (zh(script) ? '发自我的iPhone' : 'Sent from my iPhone');

function applePlain(phone: boolean) {
  return (script: Script): Block[] => {
    const tail = phone ? [plainBlock(false, [device(script)])] : script.signature ? [plainBlock(false, script.signature)] : [];
    if (script.mode === 'forward')
      return [plainBlock(true, script.body), gap(), ...(phone ? tail : []), gap(), plainBlock(true, appleForward(script).map((line) => (line === '' ? '>' : `> ${line}`)))];
    return signed(script, (earlier) => [appleLine(script)(earlier), ''], tail);
  };
} // prettier-ignore

function appleForward(script: Script): string[] {
  const { history } = script;
  const { month, d, y, hh, min, ss, m, halb, h12 } = dateOf(history!.at);
  return zh(script)
    ? ['下面是被转发的邮件：', '', `发件人: ${history!.name} <${history!.address}>`, `主题: ${history!.subject}`, `日期: ${y}年${m}月${d}日 GMT+8 ${halb}${h12}:${min}:${ss}`, `收件人: ${history!.to}`, '', ...history!.body]
    : ['Begin forwarded message:', '', `From: ${history!.name} <${history!.address}>`, `Subject: ${history!.subject}`, `Date: ${d} ${month} ${y} at ${hh}:${min}:${ss} GMT+1`, `To: ${history!.to}`, '', ...history!.body];
} // prettier-ignore

function appleHtml(phone: boolean) {
  return (script: Script): Block[] => {
    const { body, history, mode, signature } = script;
    const own = block(true, body, `<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head><body dir="auto">${each(body, '<div>', '</div>')}`);
    const sign = phone
      ? [block(false, [device(script)], `<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">${device(script)}</div>`)]
      : signature
        ? [block(false, signature, `<br id="lineBreakAtBeginningOfMessage"><div><meta charset="UTF-8"><div id="AppleMailSignature">${each(signature, '<div>', '</div>')}</div></div>`)]
        : [];
    if (!history || mode === 'fresh') return [own, ...sign];
    if (mode === 'forward') {
      const lines = appleForward(script);
      return [own, ...sign, block(true, lines.filter(Boolean), `<div><br><blockquote type="cite"><div>${lines[0]}</div><br class="Apple-interchange-newline">${each(lines.slice(2, 6), '<div style="margin: 0px;"><span style="font-family: -webkit-system-font;">', '<br></span></div>')}<br><div>${each(history.body, '<div>', '</div>')}</div></blockquote></div></body></html>`)];
    }
    const nested = (earlier: Earlier): string =>
      `<div dir="ltr"><br><blockquote type="cite">${escaped(appleLine(script)(earlier))}<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">${each(earlier.body, '<div>', '</div>')}${earlier.history ? nested(earlier.history) : ''}</div></blockquote>`;
    const all = (earlier: Earlier): string[] => [appleLine(script)(earlier), ...earlier.body, ...(earlier.history ? all(earlier.history) : [])];
    return [own, ...sign, block(false, all(history), `${nested(history)}</body></html>`)];
  };
} // prettier-ignore

export const gmailAndApple: readonly Client[] = [
  { name: 'Gmail', languages: ['en', 'zh'], headers: ['X-Gm-Message-State: AOJu0Yx', 'X-Received: by 2002:a05:6000:1a8d with SMTP id f13'], plain: gmailPlain, html: gmailHtml },
  { name: 'Apple Mail', languages: ['en', 'zh'], headers: ['X-Mailer: Apple Mail (2.3826.300.87.4.3)', 'Mime-Version: 1.0 (Mac OS X Mail 16.0)'], plain: applePlain(false), html: appleHtml(false) },
  { name: 'iPhone', languages: ['en', 'zh'], headers: ['X-Mailer: iPhone Mail (22G86)', 'Mime-Version: 1.0 (1.0)'], plain: applePlain(true), html: appleHtml(true) },
]; // prettier-ignore
