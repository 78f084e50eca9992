import type { FactKey } from './system.js';

const ENGLISH = {
  facts: {
    contact: 'Contact',
    handle: 'Address',
    company: 'Company',
    level: 'Level',
    products: 'Products',
    crm: 'CRM',
    channel: 'Channel',
    priority: 'Priority',
    queue: 'Queue',
    tags: 'Tags',
    said: 'Said before',
    link: 'Conversation',
  } satisfies Record<FactKey, string>,
  about: 'About this conversation',
  now: 'What is known now:',
  claimed: 'as typed in, not proven',
  automated: 'automatic reply',
  newMessage: (name: string, channel: string) => `Message from ${name} by ${channel}`,
  changed: 'Changed what was written before:',
  quoted: 'What was quoted with it:',
  arrived: 'The file of an earlier message:',
  recalled: (text: string) => `The customer took back: “${text}”`,
  reacted: (emoji: string, text: string) => `The customer reacted with ${emoji} to: “${text}”`,
  unreacted: (emoji: string, text: string) => `The customer took back the reaction ${emoji} to: “${text}”`,
  answered: (name: string, channel: string) => `Answered by ${name} over ${channel}:`,
  somebody: 'somebody',
  toOne: (name: string, channel: string, others: string) =>
    `Sent to ${name} alone, over ${channel}. This ticket is also of ${others}: to be answered in a ticket of their own, or from the gateway.`,
  failed: (channel: string, why: string) => `Not delivered over ${channel}${why && `: ${why}`}.`,
  ended: { sent: 'Sent', delivered: 'Delivered', read: 'Read' },
  over: (what: string, channel: string, text: string) => `${what} over ${channel}: “${text}”`,
  itSaid: (text: string) => `It said: “${text}”`,
  otherWays: (channels: string) => `The customer can also be reached over: ${channels}.`,
  noFile: (name: string, why: string) => `A file of the customer could not be fetched (${name}): ${why}`,
  follows: 'it is being fetched, and follows',
  gone: 'it could not be fetched',
  became: {
    open: 'The conversation was opened again.',
    pending: 'The conversation waits.',
    closed: 'The conversation was closed.',
  },
  erased:
    'The personal data of this customer were erased in the gateway on request. Please delete them from this ticket too.',
  list: (items: readonly string[]) => items.join(', '),
};
export type Words = typeof ENGLISH;

const CHINESE: Words = {
  facts: {
    contact: '联系人',
    handle: '联系方式',
    company: '公司',
    level: '级别',
    products: '产品',
    crm: 'CRM',
    channel: '渠道',
    priority: '优先级',
    queue: '队列',
    tags: '标签',
    said: '事先填写',
    link: '会话',
  },
  about: '会话信息',
  now: '最新信息：',
  claimed: '客户自填，未验证',
  automated: '自动回复',
  newMessage: (name, channel) => `${name} 通过${channel}发来的消息`,
  changed: '修改了之前的内容：',
  quoted: '附带引用的内容：',
  arrived: '之前消息中的文件：',
  recalled: (text) => `客户撤回了：“${text}”`,
  reacted: (emoji, text) => `客户以 ${emoji} 回应：“${text}”`,
  unreacted: (emoji, text) => `客户取消了回应 ${emoji}：“${text}”`,
  answered: (name, channel) => `${name} 通过${channel}回复：`,
  somebody: '某人',
  toOne: (name, channel, others) =>
    `仅通过${channel}发送给 ${name}。本工单还包含 ${others} 的会话：请在其各自的工单或网关中回复。`,
  failed: (channel, why) => `未能通过${channel}送达${why && `：${why}`}。`,
  ended: { sent: '已发送', delivered: '已送达', read: '已读' },
  over: (what, channel, text) => `${what}（${channel}）：“${text}”`,
  itSaid: (text) => `内容：“${text}”`,
  otherWays: (channels) => `还可以通过以下渠道联系客户：${channels}。`,
  noFile: (name, why) => `无法获取客户的文件（${name}）：${why}`,
  follows: '正在获取，稍后补上',
  gone: '无法获取',
  became: { open: '会话已重新打开。', pending: '会话等待中。', closed: '会话已关闭。' },
  erased: '应客户要求，其个人数据已在网关中删除。请同时从本工单中删除。',
  list: (items) => items.join('、'),
};

/** The words that we add to tickets, in the language of the settings. */
export function wordsOf(language: 'en' | 'zh'): Words {
  return language === 'zh' ? CHINESE : ENGLISH;
}
