/** Where a mail is: what the references of its files begin with. */
export interface Location {
  readonly folder: string;
  readonly validity: string;
  readonly uid: number;
  /** By which it is found when it was moved, or when the server numbered anew. */
  readonly messageId: string | null;
}

type Written = readonly [folder: string, validity: string, uid: number, messageId: string | null];

export function writeLocation({ folder, validity, uid, messageId }: Location): string {
  return JSON.stringify([folder, validity, uid, messageId] satisfies Written);
}

export function readLocation(text: string): Location {
  const [folder, validity, uid, messageId] = JSON.parse(text) as Written;
  return { folder, validity, uid, messageId };
}
