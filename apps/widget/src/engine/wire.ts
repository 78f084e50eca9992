import type * as protocol from '../../../../libs/channels/src/webchat/protocol.js';

export type ChatMessage = protocol.ChatMessage;
export type ClientFrame = protocol.ClientFrame;
export type ServerFrame = protocol.ServerFrame;
export type Welcome = Extract<ServerFrame, { type: 'welcome' }>;
export type Prechat = protocol.Prechat;
export type PrechatAnswers = protocol.PrechatAnswers;
export type Limits = Welcome['limits'];
export type Part = ChatMessage['parts'][number];
export type MediaPart = Extract<Part, { type: 'media' }>;
export type ChoicesPart = Extract<Part, { type: 'choices' }>;

// Values are repeated here so that the schemas stay out of the browser; their types make a difference a compile error.
export const UPLOAD_PATH: typeof protocol.UPLOAD_PATH = '/chat/files';
export const CLOSE: Pick<typeof protocol.CLOSE, 'policy' | 'protocol' | 'restarting' | 'replaced'> = {
  policy: 4_403,
  protocol: 4_400,
  restarting: 1_012,
  replaced: 4_409,
};
/** What a message frame may weigh, bytes, with room left for its envelope. */
export const MAX_MESSAGE_BYTES = 63_000;
