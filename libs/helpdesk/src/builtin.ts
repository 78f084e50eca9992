import type { HelpdeskConnector } from './core/connector.js';
import { chatwoot } from './chatwoot/chatwoot.connector.js';
import { email } from './email/email.connector.js';
import { freshdesk } from './freshdesk/freshdesk.connector.js';
import { jiraServiceManagement } from './jira-service-management/jira-service-management.connector.js';
import { kafka } from './kafka/kafka.connector.js';
import { nats } from './nats/nats.connector.js';
import { redisStreams } from './redis-streams/redis-streams.connector.js';
import { redmine } from './redmine/redmine.connector.js';
import { rt } from './rt/rt.connector.js';
import { webhook } from './webhook/webhook.connector.js';
import { zammad } from './zammad/zammad.connector.js';
import { zendesk } from './zendesk/zendesk.connector.js';

/** The built-in connectors, one line each. */
export const builtinConnectors: readonly HelpdeskConnector[] = [
  webhook,
  kafka,
  nats,
  redisStreams,
  chatwoot,
  jiraServiceManagement,
  redmine,
  rt,
  zammad,
  zendesk,
  freshdesk,
  email,
];
