import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { Health } from '#transport';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import { keepQuiet } from '../sms/quiet-hours.js';
import { recipientOf } from '../sms/recipient.js';
import { encode } from './coding.js';
import type { Answer } from './link.js';
import { messageIdIn, writeMessage } from './message.js';
import { destinationOf, sourceOf } from './numbers.js';
import { Command, Status, type Pdu } from './pdu.js';
import { submittedId } from './receipt.js';
import { segmentsOf, type Segment } from './segments.js';
import { bound, type SmppSession } from './session.js';
import type { SmsSmppConfig } from './sms-smpp.config.js';
import { statusFailure } from './sms-smpp.failures.js';

type Context = AdapterContext<SmsSmppConfig, SmppSession>;

/** registered_delivery (section 5.2.17): a receipt whatever becomes of it, or of a failure alone. */
const ANY_END = 1;
const FAILURE = 2;

/**
 * Sends one message: one submit_sm, or one for each part of a long one, each after the other was taken. The last part asks for a receipt, the others for
 * one of a failure. Parts that were taken when the message centre asked to wait are not sent again by the next attempt over the same connection.
 */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const { config, session } = ctx;
  const to = recipientOf(unit.thread.externalId);
  keepQuiet(unit, config.quietHours, ctx.now());
  const before = session.partly.get(unit.id);
  session.partly.delete(unit.id);
  const reference = before?.reference ?? session.nextReference();
  const segments = segmentsOf(encode(unit.text, config.alphabet), config.longMessages, reference);
  const ids = [...(before?.ids ?? [])];
  try {
    for (const segment of segments.slice(ids.length))
      ids.push(await submit(segment, { to, last: ids.length === segments.length - 1 }, ctx));
  } catch (error) {
    throw ids.length > 0 ? partly(error, () => session.remember(unit.id, { reference, ids })) : error;
  }
  return { externalIds: [...ids].reverse() };
}

/** What a failure is when some parts were taken: one that the message centre itself says may pass goes on where it stopped. */
function partly(error: unknown, remember: () => void): unknown {
  if (!(error instanceof ProviderFailure)) return error;
  const answered = error.providerCode !== undefined;
  if (answered && (error.code === 'throttled' || error.code === 'unavailable')) remember();
  else if (error.code === 'unavailable')
    return new ProviderFailure('outcome-unknown', 'the connection was lost when some parts of the message were taken');
  return error;
}

async function submit(
  segment: Segment,
  { to, last }: { to: string; last: boolean },
  { config, session }: Context,
): Promise<string> {
  const body = writeMessage({
    ...segment,
    serviceType: config.serviceType,
    source: sourceOf(config),
    destination: destinationOf(to, config),
    registeredDelivery: last ? ANY_END : FAILURE,
    validity: config.validityS === undefined ? '' : relative(config.validityS),
  });
  const { status, body: answer } = await session.transmitter.request(Command.submitSm, body);
  if (status !== Status.ok) throw statusFailure(status);
  const id = messageIdIn(answer);
  if (id === null) throw new ProviderFailure('reply-unreadable', 'the message centre took it and names no message');
  return submittedId(id, config.messageIds);
}

/** A time from now, as SMPP writes it: YYMMDDhhmmsstnnR (section 7.1.1). */
export function relative(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const days = seconds / 86_400;
  const clock = [(seconds % 86_400) / 3_600, (seconds % 3_600) / 60, seconds % 60].map(two).join('');
  return `0000${two(days)}${clock}000R`;
}

/** Binds and takes leave. */
export async function check(ctx: AdapterContext<SmsSmppConfig>): Promise<Health> {
  const command = ctx.config.bind === 'transceiver' ? Command.bindTransceiver : Command.bindTransmitter;
  const ignored = { receive: (_pdu: Pdu, answer: Answer) => void answer(Status.temporary), lost: () => undefined };
  try {
    const link = await bound(command, ctx, ignored);
    await link.close();
    return { ok: true, detail: 'The message centre takes the system id and the password.' };
  } catch (error) {
    if (!(error instanceof ProviderFailure)) return { ok: false, detail: 'The message centre could not be asked.' };
    if (error.providerCode === ALREADY_BOUND)
      return {
        ok: true,
        detail: 'The message centre knows the account, which is bound already: it works, or is in use elsewhere.',
      };
    const advice =
      error.code === 'unauthorized'
        ? 'Compare systemId, password and systemType with what the provider gave you, and ask whether it takes your address.'
        : 'Check host, port and tls, and whether the provider takes your address.';
    return { ok: false, detail: `No bind: ${error.message}. ${advice}` };
  }
}

const ALREADY_BOUND = '0x00000005';
