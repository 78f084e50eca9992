/** Secrets and notes of one account, destination or mailbox. They are sealed, and every process sees them at once. */
export interface OwnValues {
  /** A shared secret of short life (an access token): made once across processes, kept `ttlMs`. `make` returns the value. */
  once(key: string, ttlMs: number, make: () => Promise<string>): Promise<string>;
  /** Forgets a value, e.g. after the provider refused it. */
  forget(key: string): Promise<void>;
  /** Keeps what the provider does not keep for us, for `ttlMs`, in the place of whatever stood there. */
  remember(key: string, value: string, ttlMs: number): Promise<void>;
  /** What was kept last, by whichever process; undefined where nothing is. Asked of the database each time. */
  recall(key: string): Promise<string | undefined>;
}
