import { describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { runCheck, type Check } from '#transport/testing';
import { DeliveryRefused, type HelpdeskConnector } from '../core/connector.js';
import {
  compliant,
  fakeCallback,
  fakeSubject,
  post,
  taken,
  type FakeConfig,
  type FakeContext,
} from './fake-connector.js';
import { conformance, helpdeskChecks, type ConnectorSubject } from './index.js';

type Fake = HelpdeskConnector<FakeConfig>;

const delivering = (one: (event: Parameters<typeof post>[0], ctx: FakeContext) => Promise<void>): Fake => ({
  ...compliant,
  async deliver(events, ctx) {
    for (const event of events) await one(event, ctx);
    return {};
  },
});
const calling = (changes: Partial<typeof fakeCallback>): Fake => ({
  ...compliant,
  callback: { ...fakeCallback, ...changes },
});

let shared: FakeContext | undefined;
let counter = 0;

/** Each broken in one way, and the check that must find it. */
const broken: [string, Fake, string][] = [
  [
    'takes any status for success',
    delivering(async (event, ctx) => void (await post(event, ctx))),
    'deliver: 500 is a refusal with that status',
  ],
  [
    'follows redirects by itself',
    delivering(async (event, ctx) => {
      const answer = await post(event, ctx);
      if (answer.status === 302) await ctx.http.request({ url: answer.headers.location ?? '' });
      taken(answer, ctx.now());
    }),
    'deliver: 302 is a refusal with that status',
  ],
  [
    'forgets Retry-After',
    delivering(async (event, ctx) => {
      const { status } = await post(event, ctx);
      if (status !== 200) throw new DeliveryRefused(status, 'no');
    }),
    'deliver: 429 is a refusal with that status',
  ],
  [
    'goes on after a refusal',
    {
      ...compliant,
      capabilities: { ...compliant.capabilities, batch: 3 },
      async deliver(events, ctx) {
        const answers = await Promise.all(events.map((event) => post(event, ctx)));
        answers.forEach((answer) => taken(answer, ctx.now()));
        return {};
      },
    },
    'does not go past an event that was not taken',
  ],
  [
    'tries again by itself',
    delivering(async (event, ctx) => {
      const first = await post(event, ctx);
      taken(first.status === 200 ? first : await post(event, ctx), ctx.now());
    }),
    'does not go past an event that was not taken',
  ],
  [
    'hands events over backwards',
    {
      ...compliant,
      capabilities: { ...compliant.capabilities, batch: 3 },
      async deliver(events, ctx) {
        for (const event of [...events].reverse()) taken(await post(event, ctx), ctx.now());
        return {};
      },
    },
    'hands events over whole and in order, each named by its id',
  ],
  [
    'gives each attempt an id of its own',
    delivering(async (event, ctx) => taken(await post({ ...event, id: `evt_${(counter += 1)}` }, ctx), ctx.now())),
    'repeats an event under the same id, so that it can be told',
  ],
  [
    'signs with the newest secret only',
    delivering(async (event, ctx) =>
      taken(await post(event, { ...ctx, signingSecrets: ctx.signingSecrets.slice(0, 1) }), ctx.now()),
    ),
    'signs each delivery with every signing secret, and with no other',
  ],
  [
    'takes a time-out for success',
    delivering(async (event, ctx) => {
      try {
        taken(await post(event, ctx), ctx.now());
      } catch (error) {
        if (!(error instanceof ProviderFailure) || error.code !== 'outcome-unknown') throw error;
      }
    }),
    'deliver: a time-out after the write is outcome-unknown',
  ],
  [
    'repeats the answer, and with it the key, in its error',
    delivering(async (event, ctx) => {
      const answer = await post(event, ctx);
      if (answer.status !== 200) throw new DeliveryRefused(answer.status, answer.text());
    }),
    'lets no secret into errors, traces or health',
  ],
  [
    'keeps the destination in a variable of the module',
    delivering(async (event, ctx) => {
      shared = ctx;
      await new Promise((later) => setImmediate(later));
      taken(await post(event, shared), ctx.now());
    }),
    'does not mix two destinations that are served at the same time',
  ],
  [
    'declares a callback and has none',
    { ...compliant, callback: undefined },
    'declares itself soundly, and has the members that it promises',
  ],
  [
    'takes callbacks that nobody signed',
    calling({ verify: () => ({ kind: 'accept' }) }),
    'callback: rejects what is not signed, or by another destination',
  ],
  [
    'throws a TypeError on a callback that is cut short',
    calling({
      parse(request) {
        const { id, ticket, text } = JSON.parse(request.body.toString()) as Record<string, string>;
        return { actions: [{ kind: 'reply', dedupeKey: id ?? '', ticketId: ticket ?? '', reply: { text } }] };
      },
    }),
    'callback: survives hostile bodies',
  ],
];

const named = (name: string): Check<ConnectorSubject> => {
  const check = helpdeskChecks.find((candidate) => candidate.name === name);
  if (!check) throw new Error(`there is no check "${name}"`);
  return check;
};

conformance(fakeSubject());

describe('the conformance suite of connectors', () => {
  it.each(broken)('finds the connector that %s', async (_how, connector, check) => {
    const subject = fakeSubject(connector) as unknown as ConnectorSubject;
    await expect(runCheck(named(check), subject)).rejects.toThrow();
  });

  it('has checks with different names', () => {
    expect(new Set(helpdeskChecks.map(({ name }) => name)).size).toBe(helpdeskChecks.length);
  });
});
