import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { appSettings, openPlatform } from '../wechat/app-settings.js';
import type { CallbackGuard } from '../wechat/callback.js';

/** Texts of WeCom are counted in bytes of UTF-8. */
const within = (bytes: number) => (text: string) => Buffer.byteLength(text) <= bytes;

const greeting = z.object({
  text: z.string().min(1).refine(within(1_024), 'is longer than 1,024 bytes').describe('What is said.'),
  options: z
    .array(z.string().min(1).refine(within(128), 'is longer than 128 bytes'))
    .max(10)
    .default([])
    .describe('Answers to tap, up to 10.'),
});
export type Greeting = z.infer<typeof greeting>;

/** Settings of one customer service account. The names are those of WeCom's own settings pages. */
export const wecomKfConfig = z.object({
  corpId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{6,64}$/, 'expected a corp id such as ww1a2b3c4d5e6f7890')
    .describe('Corp ID (企业ID) of the company.'),
  secret: secret().describe(
    'Secret of the app that may call the customer service API (微信客服 > 可调用接口的应用), or of 微信客服 itself.',
  ),
  token: appSettings.token,
  encodingAESKey: secret()
    .regex(/^[A-Za-z0-9+/]{43}$/, 'expected 43 letters and digits')
    .describe('EncodingAESKey of the address that receives callbacks (接收消息服务器配置).'),
  openKfId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id such as wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw')
    .describe('Customer service account (open_kfid). One account of the gateway is one of these.'),
  windowHours: appSettings.windowHours,
  windowMessages: appSettings.windowMessages,
  welcome: greeting
    .optional()
    .describe(
      'Said at once to whoever opens the chat, where WeCom allows it: no welcome is set there, and they have not been there for 48 hours.',
    ),
  farewell: greeting
    .optional()
    .describe('Said at once where a session ends that an agent in WeCom had; a question of how it was, say.'),
  openPlatform,
  apiBase: apiBase('https://qyapi.weixin.qq.com'),
});
export type WecomKfConfig = z.infer<typeof wecomKfConfig>;

/** What guards the callbacks: WeCom encrypts every one. */
export function guardOf({ token, encodingAESKey, corpId }: WecomKfConfig): CallbackGuard {
  return { token, encodingAESKey, receiverId: corpId, family: 'wecom' };
}
