import { apiBase, secret } from '#normalizer';
import { z } from 'zod';

/** Settings of an official account. The names are those of the account's own settings page. */
export const wechatOfficialConfig = z
  .object({
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
    menus: z
      .boolean()
      .default(true)
      .describe(
        'Are choices sent as menus to tap? WeChat refuses menus of subscription and test accounts (40200): `false` sends a numbered list.',
      ),
    apiBase: apiBase('https://api.weixin.qq.com'),
  })
  .refine(({ mode, encodingAESKey }) => mode === 'plain' || encodingAESKey !== undefined, {
    path: ['encodingAESKey'],
    message: 'is needed unless mode is plain',
  });
export type WechatOfficialConfig = z.infer<typeof wechatOfficialConfig>;
