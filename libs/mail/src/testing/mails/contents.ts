import type { Earlier } from './script.js';

type Texts = Readonly<Record<'en' | 'zh', readonly (readonly string[])[]>>;

/** What people write. */
export const BODIES: Texts = {
  en: [
    ['Hi Anna,', '', 'the parcel has arrived, but one of the two lamps is broken.', 'Could you please send me a new one?', '', 'Thanks', 'John'],
    ['Yes, please go ahead.'],
    ['Hello,', '', 'order 2026-1187 still shows "in transit" after nine days. When will it arrive?', 'I need it before Friday the 27th at 10:30.', '', 'Best regards,', 'Maria Lopez'],
    ['Thanks for the quick answer!', '', 'Two more questions:', '1. Does the warranty cover the battery?', '2. Can I send it back from another country?'],
    ['I tried what you wrote: I reset the router, waited five minutes and started it again.', '', 'The light stays red. What next?'],
    ['Dear support team,', '', 'please change my delivery address:', '', 'Maria Lopez', 'Hauptstr. 12', '80331 Munich', 'Germany', '', 'Thank you!'],
    ['No, that is not what I meant. I want a refund, not a voucher.', '', 'As my colleague wrote: the contract ends in May.'],
    ['ok', '', 'John'],
  ],
  zh: [
    ['您好，', '', '包裹已经收到，但是两盏灯里有一盏碎了。', '能不能补发一盏？', '', '谢谢！', '王伟'],
    ['好的，麻烦你们了。'],
    ['你好：', '', '订单 2026-1187 九天了还显示“运输中”，请问什么时候能到？', '我 11月27日 10:30 之前必须要用。', '', '李娜'],
    ['感谢回复！', '', '还有两个问题：', '1、保修包括电池吗？', '2、可以从国外寄回吗？'],
    ['按你们写的步骤试过了：重启路由器，等了五分钟，再打开。', '', '灯还是红色的，下一步怎么办？'],
    ['客服您好，请帮我修改收货地址：', '', '收货人：李娜', '电话：13800138000', '地址：上海市浦东新区世纪大道100号', '', '谢谢'],
    ['不是这个意思，我要退款，不要优惠券。', '', '我同事在邮件里写到合同五月到期。'],
    ['收到', '', '王伟'],
  ],
}; // prettier-ignore

/** Mail that nobody quotes in, with lines that look as if. */
export const LOOKALIKES: Texts = {
  en: [
    ['Shipment details for the quote:', '', 'From: Shanghai', 'To: Hamburg', 'Date: 5 May', 'Weight: 300 kg', '', 'Can you do that by sea?'],
    ['What does a parcel cost that is', '', '> 5 kg', '', 'and what if it is lighter?'],
    ['The program prints this:', '', '>>> import shop', '>>> shop.login()', 'Traceback (most recent call last):', 'KeyError: "token"', '', 'What is wrong?'],
    ['On Monday your colleague wrote: "the part is in stock". Today the shop says it is not.', '', 'Which one is true?'],
    ['The manual says:', '', '-----', 'Press the button for ten seconds.', '-----', '', 'Nothing happens when I do.'],
    ['My settings:', '', 'from: 192.168.0.1', 'subject: none', 'timeout: 30', '', 'The original message box stays empty.'],
    ['Sent from my old address by mistake, sorry. My question is about invoice 4411.', '', 'Is VAT included?'],
    ['This message could not be translated by the app, so in English: the door does not close.', '', '--- first photo ---', 'the hinge', '--- second photo ---', 'the lock'],
    ['Questions:', '', '- can I pay later?', '-- and in two parts?', '- is there a fee?', '', 'Regards', 'Tom'],
  ],
  zh: [
    ['询价信息如下：', '', '发件地：上海', '收件人：汉堡仓库', '日期：5月5日', '重量：300公斤', '', '海运可以吗？'],
    ['请问包裹', '', '> 5 公斤', '', '怎么收费？'],
    ['昨天你们客服在电话里说有货，今天网站上写到没有货：', '', '到底有没有？'],
    ['说明书上写：', '', '-----', '长按十秒。', '-----', '', '我按了没有反应。'],
    ['主题：发票', '', '请把发票开成公司抬头，税号 91310000MA1FL0000X。', '收件人写财务部就可以。'],
    ['原始邮件我找不到了，麻烦再发一次合同。', '', '谢谢'],
    ['发自内心地感谢你们的帮助！', '', '问题已经解决。'],
    ['保密要求：我们公司的邮件里不能出现客户姓名，请问怎么处理？', '', '陈静'],
  ],
}; // prettier-ignore

export const SIGNATURES: Texts = {
  en: [['John Smith', 'Purchasing | ACME Lighting Ltd.', 'Tel. +44 20 7946 0123'], ['Maria Lopez', 'maria.lopez@acme.example']],
  zh: [['王伟', '采购部 | 上海明亮照明有限公司', '电话：021-5555 0123'], ['李娜', '13800138000', 'lina@mingliang.example']],
}; // prettier-ignore

export const DISCLAIMERS: Texts = {
  en: [
    ['This e-mail and any attachments are confidential and may be privileged. If you are not the intended recipient, please notify the sender and delete it.'],
    ['CONFIDENTIALITY NOTICE: The contents of this email are intended solely for the addressee.', 'Please consider the environment before printing.'],
  ],
  zh: [['本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的个人或群组。禁止任何其他人以任何形式使用。'], ['免责声明：本邮件所含信息仅供收件人使用。']],
}; // prettier-ignore

const names = {
  en: { we: 'Example Support', customer: 'John Smith', subject: 'Order 2026-1187' },
  zh: { we: '明亮客服', customer: '王伟', subject: '订单 2026-1187' },
} as const;
const ANSWERS = {
  en: [
    ['Dear customer,', '', 'thank you for your mail. Is the lamp broken, or does it only not light up?', 'Please also send us a photo of the box.', '', 'Kind regards', 'Anna, Example Support'],
    ['Hello,', '', 'the carrier says that the parcel arrives tomorrow between 10:00 and 12:00. Please make sure that somebody is at home to receive it.', 'https://track.example/2026-1187', '', 'Anna'],
  ],
  zh: [
    ['您好，', '', '感谢您的来信。请问灯是碎了，还是只是不亮？', '请同时发一张外箱的照片。', '', '客服 小安'],
    ['您好：', '', '快递公司说明天 10:00 到 12:00 之间送到，请保持电话畅通。', 'https://track.example/2026-1187', '', '小安'],
  ],
}; // prettier-ignore

/** A mail of ours that is answered; with `depth` 2 also what that one answered. */
export function earlierMail(language: 'en' | 'zh', seed: number, depth = 1): Earlier {
  const { we, customer, subject } = names[language];
  const at = new Date(Date.UTC(2026, 10, 2 + (seed % 19), 8 + (seed % 11), (seed * 7) % 60, 5));
  const first: Earlier = {
    ...{ name: customer, address: 'customer@mail.example', toName: we, to: 'support@shop.example', at: new Date(at.getTime() - 90_000_000) },
    ...{ subject, body: BODIES[language][(seed + 3) % BODIES[language].length]! },
  };
  return {
    ...{ name: we, address: 'support@shop.example', toName: customer, to: 'customer@mail.example', at },
    ...{ subject: `${language === 'zh' ? '回复：' : 'Re: '}${subject}`, body: ANSWERS[language][seed % 2]! },
    ...(depth > 1 && { history: first }),
  };
} // prettier-ignore
