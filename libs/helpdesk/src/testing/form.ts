/** A part of a form, as it was sent. */
export interface FormPart {
  readonly name: string;
  readonly filename: string | null;
  readonly type: string;
  readonly content: Buffer;
}

/** The parts of a `multipart/form-data` body; throws where it is none. */
export function formParts(contentType: string, body: Buffer): FormPart[] {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(contentType)?.[1];
  if (!boundary) throw new Error('no form');
  const pieces = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
  return pieces.map((piece) => {
    const end = piece.indexOf('\r\n\r\n');
    const head = Buffer.from(piece.slice(0, end), 'latin1').toString();
    return {
      name: /[; ]name="([^"]*)"/.exec(head)?.[1] ?? '',
      filename: /filename="([^"]*)"/.exec(head)?.[1] ?? null,
      type: /content-type: (.+)/i.exec(head)?.[1]?.trim() ?? '',
      content: Buffer.from(piece.slice(end + 4, -2), 'latin1'),
    };
  });
}

/** The values of a form as JSON would have them: `a[b]` is within `a`, `a[]` one of a list. */
export function formValues(parts: readonly FormPart[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, filename, content } of parts) {
    if (filename !== null) continue;
    const [, key = '', inner] = /^([^[]+)(?:\[(.*)\])?$/.exec(name) ?? [];
    const text = content.toString();
    if (inner === undefined)
      values[key] = /^\d+$/.test(text) ? Number(text) : ({ true: true, false: false }[text] ?? text);
    else if (inner === '') values[key] = [...((values[key] as string[] | undefined) ?? []), text];
    else values[key] = { ...(values[key] as object | undefined), [inner]: text };
  }
  return values;
}
