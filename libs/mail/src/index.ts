export { checkMailbox } from './check.js';
export type { MailContext } from './context.js';
export { settle, touches } from './imap/afterwards.js';
export { endOf, leave, openImap } from './imap/connection.js';
export { FolderRefused, Folders } from './imap/folders.js';
export { lookThrough, type LookedThrough } from './imap/look-through.js';
export { writeLocation } from './imap/location.js';
export { openMailFile } from './imap/open-file.js';
export { placeIn, readPosition, writePosition, type Place, type Position, type View } from './imap/place.js';
export { readOn, type MailReader, type Step, type Where } from './imap/read-on.js';
export { findSent } from './imap/sent-folder.js';
export type { Source } from './imap/source.js';
export { Watch } from './imap/watch.js';
export {
  AUTOMATIC_REPLY,
  isOurId,
  originalPart,
  readMail,
  type IncomingMail,
  type ReadContext,
  type Report,
} from './read/index.js';
export { demandLogin, mailboxSettings, type Mailbox } from './settings.js';
export type { FileSource } from './smtp/carry.js';
export type { MailContent, OutgoingMail } from './smtp/compose.js';
export { contentOf, contentWith } from './smtp/content.js';
export { identify, octetsIn, type Correspondence, type Identity } from './smtp/identity.js';
export { oneLine } from './smtp/one-line.js';
export { failureOf } from './smtp/reply-codes.js';
export { sendMail } from './smtp/send.js';
export { attachmentBytes } from './smtp/sizes.js';
export {
  CONVERSATION_HEADER,
  dayOf,
  isProvenKey,
  makeToken,
  readEnvelopeId,
  readToken,
  readTokens,
  replySecretOf,
  threadKey,
} from './token/index.js';
