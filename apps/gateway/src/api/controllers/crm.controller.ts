import { Controller, Inject, Optional } from '@nestjs/common';
import { z } from 'zod';
import { Crm } from '../../crm/index.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { ContactRecord } from '../schemas/contact.js';
import { byId, health } from '../schemas/elements.js';

const Refreshed = z
  .object({
    outcome: z
      .enum(['linked', 'suggested', 'another', 'conflict', 'merged', 'failed', 'unknown', 'nothing-proven'])
      .describe(
        '`linked`: the link is proven. `suggested`: the address by which the contact was found proves too little. `another`: the contact is linked to another one by somebody. `conflict`: another contact has the link, a person decides. `merged`: it had, and both are one now. `unknown`: the CRM knows nobody, or several. `nothing-proven`: there is no address to ask by.',
      ),
    changes: z.array(z.string()).describe('What is different on the contact.'),
    contact: ContactRecord,
  })
  .meta({ id: 'CrmRefreshed' });

const check = endpoint({
  method: 'POST',
  path: '/v1/crm/check',
  scope: 'contacts:write',
  tag: 'CRM',
  summary: 'Test the credentials of the CRM',
  description: 'Asks the CRM something harmless. The answer is 200 either way; `ok` says how it went.',
  status: 200,
  answer: health,
  work: 'outside',
});
const refresh = endpoint({
  method: 'POST',
  path: '/v1/contacts/{id}/crm/refresh',
  scope: 'contacts:write',
  tag: 'CRM',
  summary: 'Ask the CRM anew who a contact is',
  description:
    'Asks by every proven address of the contact, whatever is remembered. A link that the CRM gave before, and that says something else now, gives way.',
  params: byId,
  status: 200,
  answer: Refreshed,
  problems: ['not-supported', 'unauthorized', 'throttled', 'config-invalid', 'reply-unreadable', 'outcome-unknown'],
  work: 'outside',
});

@Controller()
export class CrmController {
  constructor(@Optional() @Inject(Crm) private readonly crm: Crm | null) {}

  @Serves(check)
  check(@Called() { signal }: Call<typeof check>) {
    if (this.crm) return this.crm.check(signal);
    return { ok: false, detail: 'the settings name no CRM: set `crm`' };
  }

  @Serves(refresh)
  refresh(@Called() { params }: Call<typeof refresh>) {
    if (!this.crm) throw new Refusal('not-supported', 'the settings name no CRM: set `crm`');
    return this.crm.refresh(params.id);
  }
}
