export { FakeFolder, type Letter } from './fake-folder.js';
export { FakeImap, type FakeImapOptions, type Whim } from './fake-imap.js';
export { FakeSmtp, type FakeSmtpOptions, type Received, type Script } from './fake-smtp.js';
export { hostileMails } from './hostile-mails.js';
export { htmlAttacks } from './html-attacks.js';
export { mailCorpus, score, type LabelledMail } from './mails/corpus.js';
export { certificate, contextOf, CUSTOMER, filesOf, mailbox, media, now, settings, type Files } from './outbox.js';
export { readingContext } from './reading.js';
