import { z } from 'zod';
import { KEY_MISSING, actionMessages, appSettings, hasItsKey } from '../wechat/app-settings.js';

/** Settings of a mini program. */
export const wechatMiniProgramConfig = z
  .object({
    ...appSettings,
    actionMessages: actionMessages(2, 'opening the customer service'),
    state: z
      .enum(['formal', 'trial', 'developer'])
      .default('formal')
      .describe(
        'Which version of the mini program a subscribe message opens: `formal` 正式版, `trial` 体验版, `developer` 开发版.',
      ),
  })
  .refine(hasItsKey, KEY_MISSING);
export type WechatMiniProgramConfig = z.infer<typeof wechatMiniProgramConfig>;
