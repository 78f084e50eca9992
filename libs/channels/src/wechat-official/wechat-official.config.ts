import { z } from 'zod';
import { KEY_MISSING, actionMessages, appSettings, hasItsKey, openPlatform } from '../wechat/app-settings.js';

/** Settings of an official account. */
export const wechatOfficialConfig = z
  .object({
    ...appSettings,
    actionMessages: actionMessages(
      3,
      'following, a scan, a tap on the menu of the account or on an option of a message',
    ),
    openPlatform,
    menus: z
      .boolean()
      .default(true)
      .describe(
        'Are choices sent as menus to tap? WeChat refuses menus of subscription and test accounts (40200): `false` sends a numbered list.',
      ),
  })
  .refine(hasItsKey, KEY_MISSING);
export type WechatOfficialConfig = z.infer<typeof wechatOfficialConfig>;
