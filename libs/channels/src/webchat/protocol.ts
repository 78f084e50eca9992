import { Part } from '#normalizer';
import { z } from 'zod';

/**
 * What browser and gateway say to each other on the `/chat` socket: one JSON object per text frame, at most 64 KiB. The browser speaks
 * first (`hello`). Every stored item of the visitor's thread has an ascending `seq`; the browser keeps the highest one that it has and resumes
 * after it, so nothing is missed and nothing doubled. What the browser sends carries its own `clientId` (a UUID) and is repeated until it is
 * `accepted`: the same `clientId` is one message however often it comes.
 */
const clientId = z.string().regex(/^[\w-]{8,64}$/);

/** An address that can be proven by a one-time code. */
const scheme = z.enum(['phone', 'email']);

/** What a visitor says in the form before the first message: a claim, until a code proves an address. Empty texts count as nothing. */
export const PrechatAnswers = z
  .object({
    name: z.string().max(200),
    phone: z.string().max(100),
    email: z.string().max(320),
    product: z.string().max(200),
    questionType: z.string().max(200),
  })
  .partial();
export type PrechatAnswers = z.infer<typeof PrechatAnswers>;
export type PrechatField = keyof PrechatAnswers;

/** The form before the first message, and how it stands. Until it is `done` no message is taken where anything in it is required. */
export const Prechat = z.object({
  title: z.string().optional(),
  fields: z.array(
    z.object({
      name: PrechatAnswers.keyof(),
      required: z.boolean(),
      label: z.string().optional(),
      options: z.array(z.string()).optional(),
    }),
  ),
  /** Whether one of phone and email is to be proven, and which of them a code can be sent to. */
  verify: z.enum(['off', 'optional', 'required']),
  verifiable: z.array(scheme),
  /** What was said before, as it was stored; and which addresses of it are proven. */
  answers: PrechatAnswers,
  verified: z.array(scheme),
  done: z.boolean(),
  /** What of the answers that were sent is missing or wrong; nothing of them is stored then. */
  faults: z.array(z.object({ field: PrechatAnswers.keyof(), fault: z.enum(['required', 'invalid']) })).optional(),
});
export type Prechat = z.infer<typeof Prechat>;

export const ClientFrame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    account: z.string().min(1).max(100),
    /** What an earlier `welcome` gave; absent for a new visitor. An expired or foreign one is answered with a new visitor. */
    session: z.string().max(4_096).optional(),
    /** Highest `seq` that the browser holds; 0 for none. */
    after: z.int().nonnegative().default(0),
    locale: z.string().max(35).optional(),
    page: z.string().max(2_048).optional(),
  }),
  z.object({ type: z.literal('message'), clientId, parts: z.array(Part).min(1).max(20) }),
  z.object({ type: z.literal('typing'), on: z.boolean() }),
  /** Everything up to and with this `seq` has arrived in the browser, or has been seen by a person. */
  z.object({ type: z.literal('ack'), delivered: z.int().positive().optional(), read: z.int().positive().optional() }),
  /** A JWT of the company's own backend (CONTRACT section 5). Answered by `welcome`, or by `error` `identity-invalid`. */
  z.object({ type: z.literal('identify'), token: z.string().max(8_192) }),
  /** Answered by `prechat`. */
  z.object({ type: z.literal('prechat'), answers: PrechatAnswers }),
  /** Send a code to this address, else to the one of the stored answers. Answered by `code`, alike for every address. */
  z.object({ type: z.literal('code'), scheme, value: z.string().max(320).optional() }),
  /** The code that came there, in any width of digits. Answered by `code`, and by `prechat` where it was right. */
  z.object({ type: z.literal('confirm'), scheme, value: z.string().max(320).optional(), code: z.string().max(100) }),
  z.object({ type: z.literal('ping') }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** A message as the browser shows it. Media parts have a signed `url`. `from: 'me'` is the visitor. */
export const ChatMessage = z.object({
  type: z.literal('message'),
  seq: z.int().positive(),
  id: z.string(),
  clientId: z.string().optional(),
  from: z.enum(['me', 'agent', 'bot', 'system']),
  name: z.string().nullable(),
  parts: z.array(Part),
  text: z.string(),
  at: z.iso.datetime(),
  /** Of the visitor's own messages: `sent` (stored) or `read` (the helpdesk says so). Of the others: `delivered` or `read`. */
  status: z.enum(['sent', 'delivered', 'read', 'failed']),
  replyTo: z.string().nullable().optional(),
});
export type ChatMessage = z.infer<typeof ChatMessage>;

export const ChatErrorCode = z.enum([
  'origin-refused',
  'account-unknown',
  'protocol',
  'too-large',
  'rate-limited',
  'content-refused',
  'identity-invalid',
  'prechat-required',
  'unavailable',
]);

export type ChatErrorCode = z.infer<typeof ChatErrorCode>;

export const ServerFrame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    /** To be kept and given in the next `hello`. */
    session: z.string(),
    threadId: z.string().nullable(),
    /** True where the visitor is another one than before (first visit, expired session, other `sub`): forget what is shown. */
    fresh: z.boolean(),
    user: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
    /** Highest `seq` stored, and how many messages of agents the visitor has not read. */
    last: z.int().nonnegative(),
    unread: z.int().nonnegative(),
    readUpTo: z.int().nonnegative(),
    /** Wait a random time between these before connecting again, so that a restart is no stampede. */
    reconnect: z.object({ minMs: z.int(), maxMs: z.int() }),
    limits: z.object({ text: z.int(), fileBytes: z.int(), mimeTypes: z.array(z.string()) }),
    /** What the account's settings say to visitors. */
    title: z.string().optional(),
    greeting: z.string().optional(),
    /** A form that is to be filled in before the first message; absent where there is none, or nothing is left to ask. */
    prechat: Prechat.optional(),
  }),
  ChatMessage,
  /** After `welcome`, when everything after `hello.after` was sent. */
  z.object({ type: z.literal('caught-up'), last: z.int().nonnegative() }),
  z.object({ type: z.literal('accepted'), clientId, id: z.string(), seq: z.int().positive(), at: z.iso.datetime() }),
  z.object({
    type: z.literal('refused'),
    clientId,
    code: ChatErrorCode,
    detail: z.string(),
    retryAfterMs: z.int().optional(),
  }),
  z.object({ type: z.literal('status'), id: z.string(), seq: z.int().positive(), status: ChatMessage.shape.status }),
  z.object({ type: z.literal('typing'), on: z.boolean(), name: z.string().nullable() }),
  z.object({ type: z.literal('error'), code: ChatErrorCode, detail: z.string(), retryAfterMs: z.int().optional() }),
  z.object({ type: z.literal('prechat'), prechat: Prechat }),
  /**
   * `sent` means no more than that there is nothing else to wait for. `wrong` is every code that is not right: mistyped, expired, used, guessed at too often.
   * `unavailable`: codes cannot be sent to such addresses, or are not wanted here.
   */
  z.object({
    type: z.literal('code'),
    scheme,
    state: z.enum(['sent', 'wait', 'unavailable', 'right', 'wrong']),
    retryAfterMs: z.int().optional(),
  }),
  z.object({ type: z.literal('pong') }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/**
 * Files go beside the socket: `POST /chat/files?account={accountId}`, `Authorization: Bearer {session}`, multipart field `file`; 201
 * `{ id, url, mimeType, bytes, name, kind, width?, height? }` or a problem document. The message then carries
 * `{ type: 'media', kind, fileId: id, mimeType, bytes, name }`.
 */
export const UPLOAD_PATH = '/chat/files';
/** Largest frame from a browser, bytes; and how much may wait for a slow one before it is cut off (it resumes by `seq`). */
export const MAX_FRAME_BYTES = 65_536;
export const MAX_BUFFERED_BYTES = 1_048_576;
/**
 * WebSocket close codes. `policy` (origin, account) and `replaced` are final; after every other one the browser connects again. `restarting` also
 * stands for "say hello with the session that you hold now": a browser that identified in one tab moves on in its others.
 */
export const CLOSE = {
  policy: 4_403,
  protocol: 4_400,
  tooSlow: 4_408,
  restarting: 1_012,
  unavailable: 1_013,
  replaced: 4_409,
} as const;
