import { secret, webAddress } from '#normalizer';
import { z } from 'zod';
import { hasPlaceholder } from './template.js';

const path = (what: string) =>
  z.string().max(500).describe(`${what}: a JSON pointer (\`/a/b\`) or a dotted path (\`a.b\`).`);
const texts = z.record(z.string().min(1), z.string());

const company = z.strictObject({
  id: path('Id of the company').default('company.id'),
  name: path('Its name').default('company.name'),
  level: path('Its service level').optional(),
  products: path('Its products, a list or a text with semicolons').optional(),
  contracts: path('Its contracts, a list of anything').optional(),
  url: path('Its address in the CRM').optional(),
});

const fields = z.strictObject({
  id: path('Id of the contact').default('id'),
  name: path('Name').default('name'),
  url: path('Address in the CRM').default('url'),
  products: path('Products of the contact').optional(),
  company: company.prefault({}).describe('Where the company stands.'),
  metadata: z
    .record(z.string().min(1).max(100), z.string().max(500))
    .default({})
    .describe('Further fields, by the name that they get.'),
});

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer'), token: secret().describe('Sent as `Authorization: Bearer`.') }),
  z.strictObject({
    type: z.literal('basic'),
    user: z.string().describe('User name.'),
    password: secret().describe('Its password.'),
  }),
  z.strictObject({
    type: z.literal('header'),
    name: z.string().min(1).describe('Name of the header.'),
    value: secret().describe('What it holds, such as an API key.'),
  }),
  z.strictObject({
    type: z.literal('hmac'),
    secret: secret().describe(
      'Signs `METHOD path?query`, a line break and the body, with the headers of Standard Webhooks.',
    ),
  }),
]);

export const HttpCrmConfig = z.strictObject({
  url: webAddress()
    .refine((url) => placeholdersInPathOnly(url), 'expected placeholders in the path only; those of the query stand under `query`')
    .describe('Where it is asked. `{value}`, `{scheme}`, `{scope}`, or `{email}`, `{phone}`, ... in its path stand for the handle.'),
  method: z.enum(['GET', 'POST']).default('GET').describe('How it is asked.'),
  headers: texts.default({}).describe('Further headers; placeholders as in `query`.'),
  query: texts
    .default({})
    .describe('Query parameters. One whose placeholder is of another scheme than the handle is left out.'),
  body: z.json().optional().describe('JSON that is sent; placeholders in its texts.'),
  auth: auth.default({ type: 'none' }).describe('How the gateway says who it is: `none`, `bearer`, `basic`, `header` or `hmac`.'),
  handles: z
    .array(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/))
    .min(1)
    .default(['email', 'phone'])
    .describe('Schemes of handles that it is asked for.'),
  list: path('Where the list of matches stands, if the answer has one').optional(),
  fields: fields.prefault({}).describe('Where in the answer (in the one match of the list) what stands.'),
  link: z
    .string()
    .max(2_000)
    .regex(/^https?:\/\/[^{}]+\{id\}[^{}]*$/, 'expected an address with {id} in it')
    .optional()
    .describe('Address of a contact in the CRM, with `{id}`, where the answer holds none.'),
}); // prettier-ignore
export type HttpCrmConfig = z.infer<typeof HttpCrmConfig>;

function placeholdersInPathOnly(url: string): boolean {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?#]*)(.*)$/is.exec(url) ?? [];
  return !hasPlaceholder(origin) && !hasPlaceholder(/[?#].*$/s.exec(path)?.[0] ?? '');
}
