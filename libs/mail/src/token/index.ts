export { envelopeId, readEnvelopeId, type EnvelopeOwner } from './envelope-id.js';
export { LOOP_HEADER, loopMark } from './loop-mark.js';
export { replySecretOf, type SecretSettings } from './reply-secret.js';
export { bareId, isProvenKey, threadKey, type ThreadRoot } from './thread-key.js';
export { dayOf, makeToken, readToken, type TokenParts, type TokenReader } from './token.js';
