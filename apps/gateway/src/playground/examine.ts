import { capabilitiesOf, fit, type ChannelAdapter, type ParsedRequest, type VerifyContext } from '#channels';
import {
  InvalidInput,
  parseInbound,
  ProviderFailure,
  type FittedUnit,
  type InboundEvent,
  type Part,
} from '#normalizer';
import { MalformedRequest, receive, type RawRequest, type Verdict } from '#transport';

/** An account as the playground has it: one that runs, or settings that were typed. */
export interface Tried {
  readonly adapter: ChannelAdapter<unknown, unknown>;
  readonly config: unknown;
}

/** What came of a request, step by step. What a step refused is told in its place, and those behind it are empty. */
export interface Examined {
  readonly verdict: Verdict;
  /** What parsing makes of it, verified or not: nothing of it is stored. */
  readonly events: readonly unknown[];
  readonly refused: string | null;
  readonly wakes: boolean;
  /** The events as the store would take them, or what is wrong with each. */
  readonly normalized: readonly (InboundEvent | { readonly faults: InvalidInput['errors'] })[];
}

/** Shows what a channel makes of a request. Pure; whoever asks is trusted with what they bring, so it is parsed even where it is not genuine. */
export function examine({ adapter }: Tried, request: RawRequest, ctx: VerifyContext<unknown>): Examined {
  const { webhook } = adapter.ingress;
  if (!webhook)
    throw new InvalidInput([{ path: 'request', message: `${adapter.title} is not called by its provider` }]);
  const first = receive({ verify: webhook.verify.bind(webhook), parse: () => null }, request, ctx);
  const verdict: Verdict = first.kind === 'parsed' ? { kind: 'accept' } : first;
  const read = parsed(() =>
    receive({ verify: () => ({ kind: 'accept' }), parse: webhook.parse.bind(webhook) }, request, ctx),
  );
  const events = 'events' in read ? read.events : [];
  return {
    verdict,
    events,
    refused: 'refused' in read ? read.refused : null,
    wakes: 'wake' in read && Boolean(read.wake),
    normalized: events.map((event) => normalized(event, ctx)),
  };
}

function parsed(
  receiving: () => ReturnType<typeof receive<unknown, ParsedRequest>>,
): ParsedRequest | { refused: string } {
  try {
    const received = receiving();
    return received.kind === 'parsed' ? received.parsed : { refused: received.kind };
  } catch (error) {
    if (error instanceof MalformedRequest) return { refused: `malformed: ${error.message}` };
    return {
      refused: `the adapter fails: ${error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error'}`,
    };
  }
}

function normalized(event: unknown, { defaultCountry }: VerifyContext<unknown>): Examined['normalized'][number] {
  try {
    return parseInbound(event, defaultCountry === undefined ? {} : { defaultCountry });
  } catch (error) {
    if (error instanceof InvalidInput) return { faults: error.errors };
    throw error;
  }
}

/** What becomes of an answer: the provider messages that would be sent, or why none would. */
export function fitted(
  tried: Tried,
  parts: readonly Part[],
  fileUrl: (id: string) => string,
): { units: FittedUnit[]; refused: string | null } {
  try {
    const { adapter } = tried;
    return {
      units: fit({ parts }, capabilitiesOf(tried), { fileUrl, native: adapter.native?.bind(adapter) }),
      refused: null,
    };
  } catch (error) {
    if (error instanceof ProviderFailure) return { units: [], refused: error.message };
    throw error;
  }
}
