import { apiBase, secret } from '#normalizer';
import { z } from 'zod';

/** Settings of a `whatsapp-cloud` account: one business number. */
export const whatsappCloudConfig = z.object({
  phoneNumberId: z
    .string()
    .regex(/^\d{5,30}$/, 'expected digits')
    .describe('Phone number ID of the business number, which is not the number itself.'),
  accessToken: secret().describe('Permanent token of a system user with the right whatsapp_business_messaging.'),
  appSecret: secret().describe('App secret of the Meta app: signs callbacks.'),
  verifyToken: secret().describe('Of your choice, entered with the address of the callback: Meta repeats it once.'),
  apiBase: apiBase('https://graph.facebook.com'),
});
export type WhatsappCloudConfig = z.infer<typeof whatsappCloudConfig>;
