import { deepStrictEqual, ok } from 'node:assert/strict';
import { inspect } from 'node:util';
import { receive, secretValues } from '#transport';
import type { Check, FakeAnswer, LoggedRequest } from '#transport/testing';
import { eventsOf, sendOf, sends, signed, textUnit, textsIn, verifyContext, withBench, type Bench } from './bench.js';
import { changedSignatures } from './signature-carriers.js';
import type { ChannelSubject } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;

/** The worst of providers: repeats the request, and every secret with it, in an answer of any status. */
function echo(request: LoggedRequest, status: number, secrets: readonly string[]): FakeAnswer {
  const repeated = {
    errcode: 1,
    error: { message: `refused: ${secrets.join(' ')}` },
    message: secrets.join(' '),
    request,
  };
  return { status, body: { ...repeated, errmsg: secrets.join(' '), body: request.body.toString() } };
}

const secrets: ChannelCheck = {
  name: 'lets no secret into errors, traces, reasons or health',
  async run(subject) {
    const said: string[] = [];
    await withBench(subject, {}, async (bench) => {
      const hidden = secretValues(subject.adapter.config, bench.context(0).config).filter(({ length }) => length >= 4);
      if (!subject.adapter.ingress.hosted) said.push(...(await provoke(subject, bench, hidden)));
      said.push(...reasons(subject), JSON.stringify(bench.traces));
      for (const value of hidden) {
        const where = said.find((text) => text.includes(value) || text.includes(encodeURIComponent(value)));
        ok(!where, `a secret is said: ${where?.replaceAll(value, '<secret>').slice(0, 300)}`);
      }
    });
  },
};

async function provoke(subject: ChannelSubject, bench: Bench<unknown>, hidden: readonly string[]): Promise<string[]> {
  const said: string[] = [];
  const unit = textUnit(subject, 'hello');
  for (const status of [200, 400, 401, 403, 404, 429, 500]) {
    bench.providers[0].answer((request) => echo(request, status, hidden));
    await sendOf(subject)(unit, bench.context(0)).catch((error: unknown) => said.push(inspect(error, { depth: 8 })));
    const health = await subject.adapter.check?.(bench.context(0));
    if (health) said.push(health.detail);
  }
  return said;
}

function reasons(subject: ChannelSubject): string[] {
  const { webhook } = subject.adapter.ingress;
  if (!webhook || !subject.sign) return [];
  const ctx = verifyContext(subject, 0);
  return subject.inbound.flatMap(({ request }) => {
    const genuine = signed(subject, request, ctx);
    const forged = changedSignatures(genuine, signed(subject, request, verifyContext(subject, 1)));
    return forged.map(([, changed]) => JSON.stringify(receive(webhook, changed, ctx)));
  });
}

const accountsOut: ChannelCheck = {
  name: 'does not mix two accounts that send at the same time',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const units = [textUnit(subject, 'for the first account'), textUnit(subject, 'for the second account')] as const;
    const alone = async (which: 0 | 1) =>
      withBench(subject, {}, async ({ providers, context }) => {
        await sendOf(subject)(units[which], context(which));
        return sends(subject, providers[which]);
      });
    const solo = [await alone(0), await alone(1)] as const;
    const again = [await alone(0), await alone(1)] as const;
    await withBench(subject, {}, async ({ providers, context }) => {
      const send = sendOf(subject);
      await Promise.all([send(units[0], context(0)), send(units[1], context(1))]);
      for (const which of [0, 1] as const) {
        const other = which === 0 ? 1 : 0;
        const sent = sends(subject, providers[which]);
        const what = `account ${which + 1}`;
        ok(sent.length === solo[which].length, `${what} got ${sent.length} requests`);
        const misled = sent.some((request) => textsIn(request).some((text) => text.includes(units[other].text)));
        ok(!misled, `${what} got the text of the other`);
        const foreign = secretValues(subject.adapter.config, context(other).config);
        ok(!foreign.some((value) => bytesOf(sent).includes(value)), `${what} got a secret of the other`);
        sent.forEach((request, i) => stable(request, [solo[which][i], again[which][i]], what));
      }
    });
  },
};

function bytesOf(sent: readonly LoggedRequest[]): string {
  return JSON.stringify(sent.map(({ headers, body, path, query }) => [headers, body.toString(), path, [...query]]));
}

/** Everything that is the same in two runs of one account alone must be the same beside another account. */
function stable(
  sent: LoggedRequest,
  [a, b]: readonly [LoggedRequest | undefined, LoggedRequest | undefined],
  what: string,
): void {
  ok(a && b);
  for (const [name, value] of Object.entries(a.headers)) {
    if (b.headers[name] === value) deepStrictEqual(sent.headers[name], value, `${what}: ${name} is another`);
  }
  deepStrictEqual(sent.path, a.path, `${what}: the path is another`);
  if (a.body.equals(b.body)) deepStrictEqual(sent.body.toString(), a.body.toString(), `${what}: the body is another`);
}

const accountsIn: ChannelCheck = {
  name: 'does not mix two accounts that receive in turn',
  run(subject) {
    if (!subject.adapter.ingress.webhook) return;
    for (const { name, request, challenge } of subject.inbound) {
      if (challenge) continue;
      const of = (which: 0 | 1) => eventsOf(subject, request, verifyContext(subject, which));
      const alone = of(0);
      of(1);
      deepStrictEqual(of(0), alone, `${name}: the same request gives other events after another account's`);
    }
  },
};

/** What must stay apart: accounts from each other, secrets from everything that is said. */
export const isolationChecks: readonly ChannelCheck[] = [secrets, accountsOut, accountsIn];
