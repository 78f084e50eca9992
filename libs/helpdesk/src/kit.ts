// `tributary/helpdesk-kit`: all that a connector in a package of its own is made of. What stands here changes by the rules of docs/kit/versions.md alone.
export { DeliveryRefused } from './core/connector.js';
export type {
  AnswerFile,
  ConnectorCapabilities,
  ConnectorContext,
  ConnectorVerifyContext,
  DeliveryReceipt,
  Held,
  HelpdeskAction,
  HelpdeskConnector,
  HelpdeskPage,
  ParsedCallback,
  KnownTicket,
  TicketReference,
} from './core/connector.js';
export { defineConnector } from './core/define.js';
export * from './tickets/index.js';
export {
  apiBase,
  FAILURES,
  InvalidInput,
  measure,
  parseWith,
  ProviderFailure,
  renderMedia,
  renderText,
  secret,
  splitText,
  webAddress,
} from '#normalizer';
export type {
  Contact,
  Conversation,
  EventData,
  Failure,
  FailureCode,
  FailureOwner,
  FailureRule,
  Handle,
  InputError,
  MediaPart,
  Message,
  Part,
  ReplyInput,
  StreamEvent,
  TextUnit,
} from '#normalizer';
export {
  constantTimeEqual,
  jsonBody,
  MalformedRequest,
  parseRetryAfter,
  rebase,
  retryAfterOf,
  statusFailure,
  unwritten,
  verifyWebhook,
  webhookHeaders,
} from '#transport';
export type {
  Dial,
  DialAddress,
  DialTls,
  Endpoint,
  Health,
  Http,
  HttpRequest,
  HttpResponse,
  HttpStream,
  MediaStream,
  OwnValues,
  RawRequest,
  ReplyToProvider,
  SignedMessage,
  Verdict,
  VerifiedRequest,
} from '#transport';
export { z } from 'zod';
