import { apiBase, secret, webAddress } from '#normalizer';
import { z } from 'zod';

const property = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'expected the internal name of a property, such as service_level');

export const HubspotConfig = z.strictObject({
  token: secret().describe('Access token of a private app with the scopes `crm.objects.contacts.read` and `crm.objects.companies.read`.'),
  apiBase: apiBase('https://api.hubapi.com'),
  portalId: z.string().regex(/^\d{1,15}$/, 'expected the number of the account').optional().describe('Number of the HubSpot account: for links to contacts.'),
  appBase: webAddress()
    .overwrite((url) => url.replace(/\/+$/, ''))
    .default('https://app.hubspot.com')
    .describe('Where agents open HubSpot; `https://app-eu1.hubspot.com` for accounts in the EU.'),
  externalIds: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/), property)
    .default({})
    .describe('Properties of contacts by the scheme of the handle that they hold, such as `client: customer_id`.'),
  levelProperty: property.optional().describe('Property of companies with the service level.'),
  productsProperty: property.optional().describe('Property of companies with the products; one of several choices is taken apart.'),
  metadata: z.record(z.string().min(1).max(100), property).default({}).describe('Further properties of contacts, by the name that they get.'),
}); // prettier-ignore
export type HubspotConfig = z.infer<typeof HubspotConfig>;
