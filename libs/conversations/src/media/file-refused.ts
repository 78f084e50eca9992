/** A file that is not taken: `too-large` (413), `empty` and `type-refused` (422). The message is for people and quotes nothing of the file. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  constructor(
    readonly code: 'too-large' | 'empty' | 'type-refused',
    message: string,
  ) {
    super(message);
  }
}
