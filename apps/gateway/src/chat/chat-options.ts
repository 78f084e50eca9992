/** What web chat needs of the settings. */
export interface ChatOptions {
  /** The server's own secret, or several while it is being changed: the key that signs sessions is derived from the first, any of them verifies. */
  readonly secret: string | Buffer | readonly (string | Buffer)[];
  /** Without a slash at its end; asked at each use, for the port may be chosen late. */
  readonly publicUrl: () => string;
  /** Messages of one visitor in a minute; one address may send ten times as many, for offices share one. */
  readonly messagesPerMinute: number;
  readonly connectionsPerAddress: number;
  /** Reverse proxies whose `X-Forwarded-For` is believed: addresses and networks (`10.0.0.0/8`). */
  readonly trustedProxies: readonly string[];
}
export const CHAT_OPTIONS = Symbol('ChatOptions');

/** Passes on what is not stored: typing of a visitor, by the external id of the thread. Given by the relay. */
export interface LiveEvents {
  typing(accountId: string, thread: string, on: boolean): void;
}
export const LIVE_EVENTS = Symbol('LiveEvents');
