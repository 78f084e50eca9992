import type { Readable } from 'node:stream';
import { ProviderFailure, type MediaPart } from '#normalizer';
import { statusFailure, type HttpStream, type MediaStream } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import { errcodeOf, harmless, readApiJson, type Answer, type ApiClient } from './api.js';

type Settings = { readonly apiBase: string };

/** A file on its way to WeChat, which tells types by the ending of the name. */
export interface Upload {
  readonly bytes: Buffer;
  readonly mimeType: string;
  readonly name: string;
}

/** Endings of names by type; the first one is given to a name that has none of them. */
const ENDINGS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'image/png': ['png'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/gif': ['gif'],
  'audio/amr': ['amr'],
  'audio/mpeg': ['mp3'],
  'video/mp4': ['mp4'],
};

/** Most that an answer with JSON in place of a file may hold, bytes. */
const MAX_JSON = 65_536;

/**
 * The bytes of a part: our own file, or what its address gives. At most `maxBytes`, else `content-refused`. Nothing was handed over yet
 * when it throws.
 */
export async function bytesOf(part: MediaPart, maxBytes: number, ctx: AdapterContext<unknown>): Promise<Upload> {
  const { stream, mimeType = part.mimeType } = await harmless(() => opened(part, maxBytes, ctx));
  const bytes = await harmless(() => collected(stream, maxBytes));
  const said = bare(part.mimeType);
  const type = ENDINGS[said] ? said : bare(mimeType);
  return { bytes, mimeType: type, name: named(part.name || 'file', type) };
}

/** A type without its parameters. */
function bare(mimeType: string): string {
  return mimeType.split(';')[0]!.trim().toLowerCase();
}

/** A name as its type wants it: WeChat refuses a picture that is called `photo` or `photo.txt` (40005). */
function named(name: string, type: string): string {
  const endings = ENDINGS[type];
  const fits = !endings || endings.some((ending) => name.toLowerCase().endsWith(`.${ending}`));
  return fits ? name : `${name}.${endings[0]}`;
}

async function opened(part: MediaPart, maxBytes: number, ctx: AdapterContext<unknown>): Promise<MediaStream> {
  if (part.fileId !== undefined) return ctx.openFile(part.fileId);
  const { status, headers, stream } = await ctx.http.stream({
    url: part.url ?? '',
    maxBytes: maxBytes + 1,
    signal: ctx.signal,
  });
  if (status === 200) return { stream, ...(headers['content-type'] && { mimeType: headers['content-type'] }) };
  stream.destroy();
  throw new ProviderFailure('content-refused', `the address of the file answered ${status}`);
}

async function collected(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes)
      throw new ProviderFailure('content-refused', `the file is larger than the ${maxBytes} bytes that are taken`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The form in which WeChat takes files: one field `media`. */
export function mediaForm({ bytes, mimeType, name }: Upload): FormData {
  const form = new FormData();
  form.append('media', new Blob([new Uint8Array(bytes)], { type: mimeType }), name);
  return form;
}

/**
 * Uploads a file as temporary material, which lives 3 days, and returns its `media_id`. It is uploaded for each message anew: an id that
 * has run out is never sent. Throws `ProviderFailure`.
 */
export async function upload<C extends Settings>(
  api: ApiClient<C>,
  { type, file }: { readonly type: 'image' | 'voice' | 'video' | 'thumb' | 'file'; readonly file: Upload },
  ctx: AdapterContext<C>,
): Promise<string> {
  const call = { path: '/cgi-bin/media/upload', query: { type }, body: mediaForm(file) };
  const answer = await api.call(call, ctx);
  const id = answer['media_id'] ?? answer['thumb_media_id'];
  if (typeof id === 'string' && id !== '') return id;
  throw new ProviderFailure('unavailable', 'the answer to an upload holds no media_id');
}

/**
 * Opens temporary material. Errors come as JSON with status 200, and videos as JSON with the address of the file: both are told from the
 * file itself by their type. Throws `ProviderFailure`.
 */
export async function download<C extends Settings>(
  api: ApiClient<C>,
  mediaId: string,
  ctx: AdapterContext<C>,
): Promise<MediaStream> {
  const given = await api.withToken<HttpStream | { readonly said: Answer }>(ctx, (token) =>
    harmless(async () => {
      const answer = await ctx.http.stream({
        url: `${ctx.config.apiBase}/cgi-bin/media/get`,
        query: { access_token: token, media_id: mediaId },
        signal: ctx.signal,
      });
      if (!saysJson(answer)) return { errcode: 0, value: answer };
      const said = readApiJson((await collected(answer.stream, MAX_JSON)).toString());
      return { errcode: errcodeOf(said), value: { said } };
    }),
  );
  return 'said' in given ? videoOf(given.said, ctx) : asMedia(given, ctx);
}

async function videoOf(
  { video_url: url }: { readonly video_url?: unknown },
  ctx: AdapterContext<unknown>,
): Promise<MediaStream> {
  if (typeof url !== 'string')
    throw new ProviderFailure('unavailable', 'the answer holds neither a file nor the address of one');
  return openUrl(url, ctx);
}

/** Opens a file by its address, such as a `PicUrl`. */
export async function openUrl(url: string, ctx: AdapterContext<unknown>): Promise<MediaStream> {
  return asMedia(await harmless(() => ctx.http.stream({ url, signal: ctx.signal })), ctx);
}

function asMedia(answer: HttpStream, ctx: AdapterContext<unknown>): MediaStream {
  const { status, headers, stream } = answer;
  if (status !== 200) {
    stream.destroy();
    throw statusFailure(answer, ctx.now());
  }
  const name = /filename="?([^";]{1,200})/.exec(headers['content-disposition'] ?? '')?.[1];
  const mimeType = headers['content-type'];
  return { stream, ...(mimeType && { mimeType }), ...(name && { name }) };
}

function saysJson({ status, headers }: HttpStream): boolean {
  const type = headers['content-type'] ?? '';
  return status === 200 && /json|text\/plain/.test(type) && !('content-disposition' in headers);
}
