import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import type { CallbackGuard } from './callback.js';
import type { AnswerWindow } from './inbound.js';

/** Settings that official accounts and mini programs share. The names are those of their own settings pages. */
export const appSettings = {
  appId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{6,64}$/, 'expected an AppID such as wx2c2769f8efd9abc2')
    .describe('AppID (开发者ID) of the account.'),
  appSecret: secret().describe('AppSecret (开发者密码) of the account.'),
  token: secret()
    .regex(/^[A-Za-z0-9]{3,32}$/, 'expected 3 to 32 letters and digits')
    .describe('Token (令牌) of the server configuration: signs every callback. Letters and digits of your choice.'),
  encodingAESKey: secret()
    .regex(/^[A-Za-z0-9+/]{43}$/, 'expected 43 letters and digits')
    .optional()
    .describe('EncodingAESKey (消息加解密密钥) of the server configuration. Not needed in plaintext mode.'),
  mode: z
    .enum(['plain', 'compatible', 'safe'])
    .default('safe')
    .describe(
      'How callbacks come, as chosen at WeChat: `plain` 明文, `compatible` 兼容, `safe` 安全. In plaintext mode nothing signs their content.',
    ),
  windowHours: z
    .number()
    .positive()
    .max(720)
    .default(48)
    .describe('Hours after a message of the customer during which it can be answered.'),
  windowMessages: z
    .int()
    .positive()
    .max(1_000)
    .default(5)
    .describe('Messages that can be sent after each message of the customer.'),
  actionSeconds: z
    .int()
    .positive()
    .max(86_400)
    .default(60)
    .describe('Seconds during which what a customer did without writing can be answered: a tap on a menu, say.'),
  apiBase: apiBase('https://api.weixin.qq.com'),
};

type Keyed = Pick<z.infer<z.ZodObject<typeof appSettings>>, 'token' | 'encodingAESKey' | 'appId' | 'mode'>;

/** How many messages an action of a customer allows, by the number that is WeChat's present rule. */
export function actionMessages(usual: number, actions: string) {
  return z
    .int()
    .positive()
    .max(1_000)
    .default(usual)
    .describe(`Messages that can be sent within these seconds. Such actions are: ${actions}.`);
}

/** How long, and how often, an action can be answered. */
export function actionWindow(given: { readonly actionSeconds: number; readonly actionMessages: number }): AnswerWindow {
  return { seconds: given.actionSeconds, messages: given.actionMessages };
}

/** An Open Platform account has no number that its members could know: any name will do, if it is another one for each. */
export const openPlatform = z
  .string()
  .regex(/^[\w.-]{0,100}$/, 'expected letters, digits, `_`, `.` and `-`, at most 100')
  .default('')
  .describe(
    'A name of your choice for the Open Platform account (open.weixin.qq.com) that the account is bound to, where there are several: a unionid means one person within one of them only. Give all accounts of one the same name.',
  );

/** Is the key there that the mode needs? */
export function hasItsKey({ mode, encodingAESKey }: Pick<Keyed, 'mode' | 'encodingAESKey'>): boolean {
  return mode === 'plain' || encodingAESKey !== undefined;
}

/** What `hasItsKey` says where it is not. */
export const KEY_MISSING = { path: ['encodingAESKey'], message: 'is needed unless mode is plain' };

/** What guards the callbacks of an account. In compatible mode a message comes plain and encrypted: only the encrypted one is signed. */
export function guardOf({ token, encodingAESKey, appId, mode }: Keyed): CallbackGuard {
  return { token, receiverId: appId, family: 'wechat', ...(mode !== 'plain' && { encodingAESKey }) };
}
