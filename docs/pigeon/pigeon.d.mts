/** Something that Pigeon tells. */
export interface PigeonUpdate {
  readonly type: string;
  readonly [member: string]: unknown;
}

export declare function pigeonSignature(secret: string, body: string | Buffer, seconds?: number): string;

export declare class Pigeon {
  constructor(options?: { readonly key?: string; readonly secret?: string });
  readonly key: string;
  readonly secret: string;
  readonly url: string;
  readonly linePort: number;
  readonly sent: readonly Record<string, unknown>[];
  readonly updates: readonly PigeonUpdate[];
  callback: string | undefined;
  start(port?: number, linePort?: number): Promise<this>;
  close(): Promise<void>;
  refuse(code: string, more?: object): void;
  tell(update: PigeonUpdate): Promise<number | null>;
  post(content: object): Promise<number>;
}
