export { envelopeId, readEnvelopeId, type EnvelopeOwner } from './envelope-id.js';
export { CONVERSATION_HEADER, LOOP_HEADER, loopMark } from './loop-mark.js';
export { replySecretOf, type SecretSettings } from './reply-secret.js';
export { bareId, isProvenKey, threadKey, type ThreadRoot } from './thread-key.js';
export { dayOf, makeToken, readToken, readTokens, type TokenParts, type TokenReader } from './token.js';
