import type { ChannelAdapter } from '#channels';
import { describeSettings } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Directory } from '../../directory/directory.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { pageOf } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { ChannelRecord, ConnectorRecord } from '../schemas/account.js';

const channels = endpoint({
  method: 'GET',
  path: '/v1/channels',
  scope: 'accounts:read',
  tag: 'Accounts',
  summary: 'List the channels with their settings and capabilities',
  status: 200,
  answer: pageOf(ChannelRecord),
});
const connectors = endpoint({
  method: 'GET',
  path: '/v1/connectors',
  scope: 'destinations:read',
  tag: 'Destinations',
  summary: 'List the kinds of ticket systems with their settings and capabilities',
  status: 200,
  answer: pageOf(ConnectorRecord),
});

@Controller()
export class ChannelsController {
  constructor(@Inject(Directory) private readonly directory: Directory) {}

  @Serves(channels)
  channels(@Called() _: Call<typeof channels>) {
    return { items: this.directory.adapters().map(describeChannel), next: null };
  }

  @Serves(connectors)
  connectors(@Called() _: Call<typeof connectors>) {
    const items = this.directory.connectors().map(({ type, title, capabilities, config }) => ({
      type,
      title,
      capabilities,
      settings: describeConfig(config),
    }));
    return { items, next: null };
  }
}

function describeChannel(adapter: ChannelAdapter<unknown, unknown>) {
  const { type, title, notice = null, ingress, continuity, capabilities, config } = adapter;
  const ways = (['webhook', 'poll', 'socket', 'hosted'] as const).filter((way) => ingress[way] !== undefined);
  return { type, title, notice, ingress: ways, continuity, capabilities, settings: describeConfig(config) };
}

function describeConfig(config: z.ZodType) {
  return { schema: z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' }), fields: describeSettings(config) };
}
