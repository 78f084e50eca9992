import { z } from 'zod';

/** How strongly a handle is known to belong to the person: typed by them, vouched for by the provider, or proven. */
export const Proof = z.enum(['claimed', 'channel', 'verified']).meta({ id: 'Proof' });
export type Proof = z.infer<typeof Proof>;

/**
 * An address of a person: `(scheme, scope, value)`. `scope` is empty where the scheme is worldwide (`phone`, `email`) and
 * names the issuer where it is not (`wechat-openid` by app id, `client` by application, `visitor` by account).
 */
export const Handle = z
  .object({
    scheme: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'a scheme is kebab-case, at most 40 characters'),
    scope: z.string().max(200).default(''),
    value: z.string().min(1).max(320),
    proof: Proof.default('channel'),
  })
  .meta({ id: 'Handle' });
export type Handle = z.infer<typeof Handle>;
