import { NotFound } from '#conversations';
import type { Database } from '#database';
import { CODE, findContact, findSurvivor, prove } from '#identity';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../../tokens.js';
import { Verifications } from '../../verify/verifications.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';

const tag = 'Contacts';
const write = 'contacts:write' as const;
const time = z.iso.datetime();

const begin = endpoint({
  method: 'POST',
  path: '/v1/contacts/{id}/verifications',
  scope: write,
  tag,
  summary: 'Send a contact a one-time code, to prove an address',
  description: `For a front end of your own. The code has ${CODE.digits} digits and is valid for ${CODE.lifeS / 60} minutes. The answer is the same whoever has the address, and whether or not a code leaves: an address is sent a few in a day at most.`,
  params: byId,
  body: z
    .strictObject({
      handle: z.strictObject({
        scheme: z.enum(['email', 'phone']),
        value: z.string().min(1).max(320).describe('In any spelling.'),
      }),
      accountId: z.string().max(100).optional().describe('Account that sends it; else as the settings say.'),
      locale: z.string().max(35).optional().describe('Language of the message: Chinese for `zh`, else English.'),
    })
    .meta({ id: 'VerificationInput' }),
  status: 202,
  answer: z.object({ id: z.string(), expiresAt: time }).meta({ id: 'Verification' }),
  problems: ['config-invalid'],
  examples: { body: { handle: { scheme: 'phone', value: '+8613800138000' } } },
});

const confirm = endpoint({
  method: 'POST',
  path: '/v1/verifications/{id}/confirm',
  scope: write,
  tag,
  summary: 'Say the code that the contact got',
  description: `After the right one the address is a verified handle of the contact, or joins the contact with whoever holds it, as \`identity.merge\` of the settings says: the stream tells. Wrong, used and expired codes, and any code after ${CODE.attempts} wrong ones, are refused with one answer.`,
  params: byId,
  body: z.strictObject({ code: z.string().max(100) }).meta({ id: 'VerificationCode' }),
  status: 200,
  answer: z.object({ verified: z.literal(true) }).meta({ id: 'Verified' }),
  problems: ['code-wrong'],
  examples: { body: { code: '004711' } },
  work: 'outside', // a guess counts, whatever the answer
});

@Controller()
export class VerificationsController {
  constructor(
    @Inject(Verifications) private readonly verifications: Verifications,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  @Serves(begin)
  async begin(@Called() { sql, params, body, hint }: Call<typeof begin>) {
    if (!(await findContact(sql, params.id))) throw new NotFound(`there is no contact ${params.id}`);
    const { accountId, locale } = body;
    const handle = this.verifications.normalize(body.handle);
    const told = await this.verifications.ask(sql, { purpose: 'api', subject: params.id, handle, accountId, locale });
    if (told.outcome === 'refused')
      throw new Refusal('rate-limited', 'too many codes were asked for', {
        retryAfterS: Math.ceil(told.retryAfterMs / 1_000),
      });
    hint('outbox');
    return { id: told.id, expiresAt: told.expiresAt.toISOString() };
  }

  @Serves(confirm)
  async confirm(@Called() { sql, params, body, hint }: Call<typeof confirm>) {
    const { codes } = this.verifications;
    const id = await codes.guess(sql, { purpose: 'api', id: params.id }, body.code);
    const proven =
      id !== null &&
      (await this.database.transaction(async (inside) => {
        const code = await codes.use(inside, id);
        const contactId = code && ((await findSurvivor(inside, code.subject)) ?? code.subject);
        if (!code || !contactId || !(await findContact(inside, contactId))) return false;
        const handle = { scheme: code.scheme, scope: '', value: code.value, proof: 'verified' } as const;
        const { accountId } = code;
        await prove(inside, contactId, { handle, source: `code:${accountId}`, accountId });
        return true;
      }));
    if (!proven) throw new Refusal('code-wrong', 'the code is not right, or not valid any more');
    hint('outbox', 'events');
    return { verified: true as const };
  }
}
