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

/** What was taken of a message whose other parts have to wait. */
interface Partly {
  readonly reference: number;
  readonly ids: readonly string[];
}

/** No attempt comes later. */
const PARTLY_MS = 2 * 86_400_000;

/**
 * Sends one message: one submit_sm, or one for each part of a long one, each after the other was taken. The last part asks for a receipt, the others for
 * one of a failure. Parts that were taken when the message centre asked to wait are not sent again by the next attempt, whoever makes it.
 */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const { config, session } = ctx;
  const to = recipientOf(unit.thread.externalId);
  keepQuiet(unit, config.quietHours, ctx.now());
  const coded = encode(unit.text, config.alphabet);
  const next = session.nextReference();
  const fresh = segmentsOf(coded, config.longMessages, next);
  const before = fresh.length > 1 ? await takenOf(unit, ctx) : undefined;
  const segments = before ? segmentsOf(coded, config.longMessages, before.reference) : fresh;
  const ids = [...(before?.ids ?? [])];
  try {
    for (const segment of segments.slice(ids.length))
      ids.push(await submit(segment, { to, last: ids.length === segments.length - 1 }, ctx));
  } catch (error) {
    const reference = before?.reference ?? next;
    throw ids.length > 0 ? await partly(error, () => keep(unit, { reference, ids }, ctx)) : error;
  }
  return { externalIds: [...ids].reverse() };
}

/** What a failure is when some parts were taken: one that the message centre itself says may pass goes on where it stopped. */
async function partly(error: unknown, keepTaken: () => Promise<void>): Promise<unknown> {
  if (!(error instanceof ProviderFailure)) return error;
  const unknown = new ProviderFailure(
    'outcome-unknown',
    'some parts of the message were taken, and nobody knows which',
  );
  const answered = error.providerCode !== undefined;
  if (answered && (error.code === 'throttled' || error.code === 'unavailable'))
    return keepTaken().then(
      () => error,
      () => unknown,
    );
  return error.code === 'unavailable' ? unknown : error;
}

async function takenOf(unit: OutboundUnit, ctx: Context): Promise<Partly | undefined> {
  const kept = await ctx.recall(nameOf(unit)).catch((cause: unknown) => {
    throw new ProviderFailure('unavailable', 'what was taken of the message before cannot be known now', { cause });
  });
  return kept === undefined ? undefined : (JSON.parse(kept) as Partly);
}

function keep(unit: OutboundUnit, taken: Partly, ctx: Context): Promise<void> {
  return ctx.remember(nameOf(unit), JSON.stringify(taken), PARTLY_MS);
}

function nameOf({ id }: OutboundUnit): string {
  return `smpp:partly:${id}`;
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
