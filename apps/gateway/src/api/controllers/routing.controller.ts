import { readRouting, tryRouting } from '#conversations';
import { languageDetector, primaryLanguage } from '#normalizer';
import { Controller } from '@nestjs/common';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { Refusal } from '../core/problem.js';
import type { Caller } from '../core/scopes.js';
import { Serves } from '../core/serves.js';
import { RoutingTest, RoutingTrial, RoutingView } from '../schemas/routing.js';

const tag = 'Routing';
const scope = 'conversations:read' as const;

const rules = endpoint({
  method: 'GET',
  path: '/v1/routing',
  scope,
  tag,
  summary: 'Get the routing rules in force',
  description: 'They stand in the settings file. Keys that are limited to accounts cannot read them.',
  status: 200,
  answer: RoutingView,
});
const trial = endpoint({
  method: 'POST',
  path: '/v1/routing/test',
  scope,
  tag,
  summary: 'Ask which routing rule would decide, and why',
  description:
    'Changes nothing. Tells of each rule which conditions hold, what was expected and what was found. Of a conversation it tells what the rules say of it as it was opened, whatever was set by hand.',
  body: RoutingTest,
  status: 200,
  answer: RoutingTrial,
  examples: { body: { facts: { level: ['vip'], channel: ['webchat'] }, text: '你好', at: '2026-10-01T20:00:00Z' } },
});

@Controller()
export class RoutingController {
  @Serves(rules)
  async rules(@Called() { sql, caller }: Call<typeof rules>) {
    demandUnlimited(caller);
    return readRouting(sql);
  }

  @Serves(trial)
  async trial(@Called() { sql, body, caller }: Call<typeof trial>) {
    demandUnlimited(caller);
    const { text, ...given } = body;
    const language = text === undefined ? undefined : primaryLanguage((await languageDetector())(text));
    return tryRouting(sql, { ...given, language });
  }
}

/** Rules name companies and accounts of the whole installation. */
function demandUnlimited(caller: Caller): void {
  if (caller.accounts) throw new Refusal('forbidden', 'a key that is limited to accounts cannot see routing rules');
}
