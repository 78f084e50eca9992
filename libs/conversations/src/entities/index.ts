import { Conversation, FileRow, MessageRow, Thread, Unit } from './conversation.js';
import { Account, ApiKeyRow, Destination } from './settings.js';
import { DeliveryRow, EventRow, InboxRow, OutboxRow } from './stream.js';

/** Every entity of this room, for the connection. */
export const STORE_ENTITIES = [
  ...[Account, Destination, ApiKeyRow],
  ...[Thread, Conversation, MessageRow, Unit, FileRow],
  ...[EventRow, OutboxRow, DeliveryRow, InboxRow],
];
