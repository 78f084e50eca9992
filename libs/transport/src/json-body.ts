import { MalformedRequest, type RawRequest } from './webhook.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as JSON, in UTF-8 whatever its headers say (RFC 8259, section 8.1). Throws `MalformedRequest` where it is none. */
export function jsonBody(request: Pick<RawRequest, 'body'>): unknown {
  try {
    return JSON.parse(utf8.decode(request.body)) as unknown;
  } catch {
    throw new MalformedRequest('the body is no JSON in UTF-8');
  }
}
