import { z } from 'zod';
import { KEY_MISSING, appSettings, hasItsKey } from '../wechat/app-settings.js';

/** Settings of a mini program. */
export const wechatMiniProgramConfig = z
  .object({
    ...appSettings,
    state: z
      .enum(['formal', 'trial', 'developer'])
      .default('formal')
      .describe(
        'Which version of the mini program a subscribe message opens: `formal` 正式版, `trial` 体验版, `developer` 开发版.',
      ),
  })
  .refine(hasItsKey, KEY_MISSING);
export type WechatMiniProgramConfig = z.infer<typeof wechatMiniProgramConfig>;
