import { ok } from 'node:assert/strict';
import { inspect } from 'node:util';
import { ProviderFailure, type FailureCode } from '#normalizer';
import { messageEvent } from './bench.js';
import type { GateMode } from './gate.js';
import { sinkSecrets, withSinks, type SinkBench, type SinkBenchOptions } from './sink-bench.js';
import { three, type SinkCheck } from './sink-checks.js';
import type { Refusal, SinkSubject } from './sink-subject.js';

const NOBODY = '127.0.0.1:1';
const event = messageEvent(1, 'hello');

interface Row extends SinkBenchOptions {
  readonly codes: readonly FailureCode[];
  /** What becomes of the network; `warm`: only once a first delivery went through. */
  readonly gate?: GateMode;
  readonly warm?: boolean;
}

/** A check that a fault of the network becomes one of the given failures, and in time. */
function row(name: string, { codes, gate, warm, ...options }: Row): SinkCheck {
  return {
    name: `deliver: ${name} is ${codes.join(' or ')}`,
    run: (subject) =>
      withSinks(subject, options, async ({ gates, context }) => {
        if (warm) await subject.connector.deliver(three.slice(1, 2), context(0));
        if (gate) gates[0].set(gate);
        expectCode(await failureOf(subject.connector.deliver([event], context(0))), codes);
      }),
  };
}

async function failureOf(delivery: Promise<unknown>): Promise<unknown> {
  return delivery.then(
    () => Promise.reject(new Error('it is reported as delivered')),
    (error: unknown) => error,
  );
}

function expectCode(error: unknown, codes: readonly FailureCode[]): void {
  ok(error instanceof ProviderFailure, `throws ${inspect(error)}, no ProviderFailure`);
  ok(codes.includes(error.code), `${error.code} (${error.message}) instead of ${codes.join(' or ')}`);
  ok(error.message.length > 10, 'the failure says nothing');
}

const givenUp: SinkCheck = {
  name: 'deliver: gives up when it is told to, with an unknown outcome',
  run: (subject) =>
    withSinks(subject, {}, async ({ gates, context }) => {
      await subject.connector.deliver(three.slice(1, 2), context(0));
      gates[0].set('mute');
      const signal = AbortSignal.timeout(50);
      expectCode(await failureOf(subject.connector.deliver([event], context(0, { signal }))), ['outcome-unknown']);
    }),
};

const refusals: SinkCheck = {
  name: 'deliver: what the system refuses becomes the failure that it is, and is not taken',
  async run(subject) {
    ok(
      subject.refusals.some(({ codes }) => codes.includes('unauthorized')),
      'no refusal of credentials is told of',
    );
    for (const refusal of subject.refusals) await refused(subject, refusal);
  },
};

async function refused(subject: SinkSubject, { name, codes, config, prepare, events = [event] }: Refusal) {
  await withSinks(subject, { config }, async ({ sinks, context }) => {
    await prepare?.(sinks[0]);
    const delivery = subject.connector.deliver(events, context(0));
    const error = await failureOf(delivery).catch(() => 'it is reported as delivered');
    ok(error instanceof ProviderFailure && codes.includes(error.code), `${name}: ${inspect(error)}`);
  });
}

const health: SinkCheck = {
  name: 'check() answers in words, never throws, and puts nothing into the stream',
  async run(subject) {
    const checked = async (bench: SinkBench, what: string, expected: boolean): Promise<void> => {
      const health = await subject.connector.check?.(bench.context(0));
      ok(health, 'there is no check()');
      ok(health.ok === expected && health.detail.length > 20, `${what}: ${JSON.stringify(health)}`);
    };
    await withSinks(subject, {}, async (bench) => {
      await checked(bench, 'a system that is well', true);
      const taken = await bench.sinks[0].taken();
      ok(taken.length === 0, 'check() puts something into the stream');
      bench.gates[0].set('shut');
      await checked(bench, 'a system that hangs up', false);
      bench.gates[0].set('mute');
      await checked(bench, 'a system that says nothing', false);
    });
    await withSinks(subject, { server: NOBODY }, (bench) => checked(bench, 'nobody', false));
    await withSinks(subject, { allow: [] }, (bench) => checked(bench, 'a refused address', false));
    for (const { name, config, codes, prepare } of subject.refusals)
      if (config && !prepare && codes.includes('unauthorized'))
        await withSinks(subject, { config }, (bench) => checked(bench, name, false));
  },
};

const secrets: SinkCheck = {
  name: 'lets no secret into errors or health',
  async run(subject) {
    const said: string[] = [];
    const hidden = sinkSecrets(subject, 0);
    ok(hidden.length > 0, 'the sample destinations have no secret');
    const listen = async ({ context }: SinkBench): Promise<void> => {
      const error = await subject.connector.deliver([event], context(0)).then(() => null, (thrown: unknown) => thrown); // prettier-ignore
      const health = await subject.connector.check?.(context(0));
      said.push(inspect(error, { depth: 8 }), health?.detail ?? '');
    };
    for (const mode of ['open', 'mute', 'reset', 'shut'] as const)
      await withSinks(subject, {}, (bench) => (bench.gates[0].set(mode), listen(bench)));
    for (const { config } of subject.refusals) {
      hidden.push(...sinkSecrets(subject, 0, config));
      await withSinks(subject, { config }, listen);
    }
    for (const value of hidden) {
      const where = said.find((text) => text.includes(value));
      ok(!where, `a secret is said: ${where?.replaceAll(value, '<secret>').slice(0, 300)}`);
    }
  },
};

/** What delivering makes of everything that a sink and a network can do. */
export const sinkFailureChecks: readonly SinkCheck[] = [
  row('a refused connection', { codes: ['unavailable'], server: NOBODY }),
  row('a name that does not resolve in time', { codes: ['unavailable'], server: 'unreachable.example:4', resolve: () => undefined }), // prettier-ignore
  row('a blocked address', { codes: ['config-invalid'], allow: [] }),
  row('a name that leads to a blocked address', {
    codes: ['config-invalid'],
    server: 'inside.example:9',
    allow: [],
    resolve: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  }),
  row('a system that says nothing from the beginning', { codes: ['unavailable'], gate: 'mute' }),
  row('a system that hangs up from the beginning', { codes: ['unavailable'], gate: 'shut' }),
  row('a confirmation that does not come', { codes: ['outcome-unknown'], gate: 'mute', warm: true }),
  row('a connection torn down before the confirmation', { codes: ['outcome-unknown'], gate: 'reset', warm: true }),
  givenUp,
  refusals,
  health,
  secrets,
];
