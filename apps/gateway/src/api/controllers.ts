import { AuditController } from './controllers/audit.controller.js';
import { AccountsController } from './controllers/accounts.controller.js';
import { ChannelsController } from './controllers/channels.controller.js';
import { CompaniesController } from './controllers/companies.controller.js';
import { ContactsController } from './controllers/contacts.controller.js';
import { ConflictsController } from './controllers/conflicts.controller.js';
import { CrmController } from './controllers/crm.controller.js';
import { ConversationsController } from './controllers/conversations.controller.js';
import { DeliveredController } from './controllers/delivered.controller.js';
import { DeliveriesController } from './controllers/deliveries.controller.js';
import { DestinationsController } from './controllers/destinations.controller.js';
import { EventsController } from './controllers/events.controller.js';
import { FilesController } from './controllers/files.controller.js';
import { ImportsController } from './controllers/imports.controller.js';
import { KeysController } from './controllers/keys.controller.js';
import { MergesController } from './controllers/merges.controller.js';
import { MessagesController } from './controllers/messages.controller.js';
import { ParkedController } from './controllers/parked.controller.js';
import { RoutingController } from './controllers/routing.controller.js';
import { PrivacyController } from './controllers/privacy.controller.js';
import { TrafficController } from './controllers/traffic.controller.js';
import { TypingController } from './controllers/typing.controller.js';
import { VerificationsController } from './controllers/verifications.controller.js';
import { endpointsOf } from './core/endpoint.js';

/** Every controller of the API, in the order of the reference. */
export const CONTROLLERS = [
  ConversationsController,
  MessagesController,
  TypingController,
  FilesController,
  EventsController,
  ContactsController,
  VerificationsController,
  MergesController,
  ConflictsController,
  CompaniesController,
  ImportsController,
  RoutingController,
  CrmController,
  AccountsController,
  TrafficController,
  ChannelsController,
  DestinationsController,
  DeliveriesController,
  DeliveredController,
  ParkedController,
  KeysController,
  PrivacyController,
  AuditController,
];

/** Every call of the API: what the OpenAPI document lists. */
export const ENDPOINTS = endpointsOf(CONTROLLERS);
