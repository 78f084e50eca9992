/** What the fake of Jira keeps. */
export interface File {
  readonly id: string;
  readonly filename: string;
  readonly mimeType: string;
  readonly content: Buffer;
}

export interface Person {
  readonly accountId: string;
  readonly displayName: string;
  readonly accountType: string;
}

export interface Comment {
  readonly id: string;
  readonly author: Person;
  readonly text: string;
  readonly isPublic: boolean;
  readonly properties: { key: string; value: unknown }[];
  readonly files: readonly File[];
}

export interface Issue {
  readonly id: string;
  readonly key: string;
  readonly summary: string;
  readonly description: unknown;
  readonly type: string;
  readonly fields: Record<string, string>;
  readonly reporter: Person;
  readonly comments: Comment[];
  readonly histories: { id: string; author: Person; created: string; items: { field: string; to: string }[] }[];
  status: string;
  resolution?: string | undefined;
}
