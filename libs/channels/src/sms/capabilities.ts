import { Capabilities, type CapabilitiesInput } from '../core/capabilities.js';

/** What SMS can do, whoever carries it. */
export function smsCapabilities(
  of: Pick<CapabilitiesInput, 'text' | 'receipts'> & Partial<CapabilitiesInput>,
): Capabilities {
  return Capabilities.parse({
    choices: { level: 'fallback' },
    html: 'fallback',
    location: 'fallback',
    contactCard: 'fallback',
    link: 'fallback',
    card: 'fallback',
    template: 'refused',
    replyTo: 'dropped',
    media: {},
    typing: false,
    inbound: { edits: false, deletes: false, reactions: false, typing: false },
    window: null,
    initiate: ['phone'],
    rate: null,
    idempotentSend: false,
    ...of,
  });
}
