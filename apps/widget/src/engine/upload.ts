import type { Problem } from './store.js';
import { UPLOAD_PATH, type MediaPart } from './wire.js';

export interface UploadRequest {
  base: string;
  account: string;
  session: string;
  file: File;
  /** Told the share that has been sent, 0 to 1. */
  progress(share: number): void;
}

export interface Uploaded {
  id: string;
  url: string;
  mimeType: string;
  bytes: number;
  name: string;
  kind: MediaPart['kind'];
  width?: number;
  height?: number;
}

/** The gateway has looked at the file and does not take it. Trying again without a change is in vain. */
export class UploadRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Sends one file to the gateway. XMLHttpRequest, because fetch does not tell how far an upload is. */
export function upload({ base, account, session, file, progress }: UploadRequest): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${base}${UPLOAD_PATH}?account=${encodeURIComponent(account)}`);
    request.setRequestHeader('authorization', `Bearer ${session}`);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Error('network'));
    request.ontimeout = request.onerror;
    request.timeout = 300_000;
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status === 201) resolve(body as unknown as Uploaded);
      else if (request.status >= 500 || request.status === 429) reject(new Error('unavailable'));
      else
        reject(new UploadRefused({ code: string(body.code), detail: string(body.detail) || String(request.status) }));
    };
    const form = new FormData();
    form.append('file', file, file.name);
    request.send(form);
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The media part that shows or carries an uploaded file. */
export function mediaPart(file: Uploaded): MediaPart {
  const { id, url, mimeType, bytes, name, kind, width, height } = file;
  return { type: 'media', kind, fileId: id, url, mimeType, bytes, name, width, height, state: 'ready' };
}

/** Whether `mimeType` is among `allowed`, which may hold wildcards (`image/*`); an empty list allows everything. */
export function typeAllowed(mimeType: string, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const type = mimeType.toLowerCase();
  return allowed.some((a) => a === '*/*' || a === type || (a.endsWith('/*') && type.startsWith(a.slice(0, -1))));
}
