import { secret } from '#normalizer';
import { z } from 'zod';

/** Settings of a `wechaty` account. */
export const wechatyConfig = z.object({
  acceptRisk: z
    .literal(true)
    .describe('`true` says: I know that this is unofficial, breaks the terms of WeChat, and may get the WeChat account banned.'),
  puppet: z
    .string()
    .max(100)
    .regex(/^(@[a-z0-9][\w.-]*\/)?wechaty-puppet-[a-z0-9][\w.-]*$/, 'expected the name of an npm package, such as wechaty-puppet-service')
    .describe('The npm package that drives WeChat, such as `wechaty-puppet-service`. It must be installed beside the gateway.'),
  puppetOptions: z
    .record(z.string().regex(/^[a-z]\w{0,63}$/i), z.unknown())
    .default({})
    .describe("The puppet's options that are no secret, such as `endpoint`. See its README. They are shown to whoever reads the settings."),
  credentials: z
    .record(z.string().regex(/^[a-z]\w{0,63}$/i), secret())
    .default({})
    .describe("The puppet's options that are secret, such as `token`. They are added to `puppetOptions`."),
  userId: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Only the WeChat user with this id (`wxid_...`) may log in; anybody else who scans the code is logged out. Without it that is whoever logged in first.'),
  timeoutMs: z
    .int()
    .min(1_000)
    .max(600_000)
    .default(60_000)
    .describe('How long the puppet may take to send one message, whose outcome is unknown after that, or to hand over a file. Other questions have 15 seconds at most.'),
  rooms: z
    .boolean()
    .default(false)
    .describe('Take messages of group chats too. Each group is one contact; its messages name who wrote them.'),
}); // prettier-ignore
export type WechatyConfig = z.infer<typeof wechatyConfig>;
