import type { HelpdeskConnector } from './core/connector.js';
import { webhook } from './webhook/webhook.connector.js';

/** The built-in connectors, one line each. */
export const builtinConnectors: readonly HelpdeskConnector[] = [webhook];
