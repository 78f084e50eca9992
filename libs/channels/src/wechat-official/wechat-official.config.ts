import { z } from 'zod';
import { KEY_MISSING, appSettings, hasItsKey } from '../wechat/app-settings.js';

/** Settings of an official account. */
export const wechatOfficialConfig = z
  .object({
    ...appSettings,
    menus: z
      .boolean()
      .default(true)
      .describe(
        'Are choices sent as menus to tap? WeChat refuses menus of subscription and test accounts (40200): `false` sends a numbered list.',
      ),
  })
  .refine(hasItsKey, KEY_MISSING);
export type WechatOfficialConfig = z.infer<typeof wechatOfficialConfig>;
