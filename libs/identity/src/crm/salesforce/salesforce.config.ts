import { secret, webAddress } from '#normalizer';
import { z } from 'zod';
import { isName } from './soql.js';

const field = z.string().refine(isName, 'expected the API name of a field, such as Tier__c');

export const SalesforceConfig = z.strictObject({
  apiBase: webAddress()
    .overwrite((url) => url.replace(/\/+$/, ''))
    .describe('Address of your own domain, such as `https://acme.my.salesforce.com`. The client credentials flow works nowhere else.'),
  clientId: z.string().min(1).describe('Consumer key of the connected app or external client app.'),
  clientSecret: secret().describe('Its consumer secret.'),
  apiVersion: z
    .string()
    .regex(/^v[1-9]\d{1,2}\.0$/, 'expected a version such as v62.0')
    .default('v62.0')
    .describe('Version of the REST API.'),
  emailFields: z.array(field).max(10).default(['Email']).describe('Fields of Contact with mail addresses; empty: none is looked up.'),
  phoneFields: z
    .array(field)
    .max(10)
    .default(['Phone', 'MobilePhone'])
    .describe('Fields of Contact with phone numbers; empty: none is looked up.'),
  externalIds: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/), field)
    .default({})
    .describe('External id fields of Contact by the scheme of the handle that they hold, such as `client: Customer_Id__c`.'),
  levelField: field.optional().describe('Field of Account with the service level.'),
  productsField: field.optional().describe('Field of Account with the products; one of several choices is taken apart.'),
  metadata: z.record(z.string().min(1).max(100), field).default({}).describe('Further fields of Contact, by the name that they get.'),
}); // prettier-ignore
export type SalesforceConfig = z.infer<typeof SalesforceConfig>;
