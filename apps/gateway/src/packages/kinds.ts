import { builtinAdapters, type ChannelAdapter } from '#channels';
import { builtinConnectors, type HelpdeskConnector } from '#helpdesk';
import { builtinCrms } from '#identity';

/** The kinds of channels and ticket systems that the process knows. */
export interface Kinds {
  readonly adapters: readonly ChannelAdapter<unknown, unknown>[];
  readonly connectors: readonly HelpdeskConnector<unknown>[];
}

export const BUILTIN: Kinds = { adapters: builtinAdapters, connectors: builtinConnectors };

/** Settings schemas by type, for the settings file. */
export function schemasOf({ adapters, connectors }: Kinds) {
  return {
    channels: Object.fromEntries(adapters.map(({ type, config }) => [type, config])),
    connectors: Object.fromEntries(connectors.map(({ type, config }) => [type, config])),
    crms: Object.fromEntries(builtinCrms.map(({ type, config }) => [type, config])),
  };
}
