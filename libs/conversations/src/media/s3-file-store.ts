import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AwsV4Signer } from 'aws4fetch';
import { request, type Dispatcher } from 'undici';
import { FileMissing, type ByteRange, type FileStore } from './file-store.js';

export interface S3Settings {
  /** Root of the service, e.g. `https://s3.eu-central-1.amazonaws.com`. The bucket is addressed by path, which every S3-compatible service takes. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Put before every key, e.g. `tributary/`. */
  readonly prefix?: string;
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly key: string;
  readonly headers?: Record<string, string>;
  readonly body?: () => Readable;
}

const ATTEMPTS = 3;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Files in a bucket of an S3-compatible service. */
export class S3FileStore implements FileStore {
  /** `incoming`: a folder of this installation's own, for files on their way in. */
  constructor(
    private readonly settings: S3Settings,
    readonly incoming: string,
  ) {}

  async put(key: string, path: string, about: { bytes: number; sha256: string }): Promise<void> {
    const headers = {
      'content-length': String(about.bytes),
      'content-type': 'application/octet-stream',
      'x-amz-content-sha256': about.sha256,
    };
    const answer = await this.call({ method: 'PUT', key, headers, body: () => createReadStream(path) });
    await answer.body.dump();
    await rm(path, { force: true });
  }

  async open(key: string, range?: ByteRange): Promise<Readable> {
    const headers = {
      'x-amz-content-sha256': EMPTY_SHA256,
      ...(range && { range: `bytes=${range.start}-${range.end}` }),
    };
    return (await this.call({ method: 'GET', key, headers })).body;
  }

  async remove(key: string): Promise<void> {
    const answer = await this.call({ method: 'DELETE', key, headers: { 'x-amz-content-sha256': EMPTY_SHA256 } });
    await answer.body.dump();
  }

  private async call(call: Call): Promise<Dispatcher.ResponseData> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.once(call).catch((error: Error) => error);
      if (!(answer instanceof Error) && answer.statusCode < 300) return answer;
      const status = answer instanceof Error ? 0 : answer.statusCode;
      if (!(answer instanceof Error)) await answer.body.dump();
      if (status === 404) throw new FileMissing(call.key);
      if (attempt === ATTEMPTS || (status >= 400 && status < 500 && status !== 429)) {
        throw answer instanceof Error ? answer : new Error(`the file store answered ${call.method} with ${status}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }

  private async once({ method, key, headers, body }: Call): Promise<Dispatcher.ResponseData> {
    const { endpoint, bucket, prefix = '', ...credentials } = this.settings;
    const url = `${endpoint.replace(/\/$/, '')}/${bucket}/${prefix}${key}`;
    const signed = await new AwsV4Signer({ ...credentials, service: 's3', method, url, headers: headers ?? {} }).sign();
    return request(signed.url, {
      method,
      headers: { ...headers, ...Object.fromEntries(signed.headers) },
      body: body?.() ?? null,
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
    });
  }
}
