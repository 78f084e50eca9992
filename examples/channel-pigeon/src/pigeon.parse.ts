import { jsonBody, type ParsedRequest, type VerifiedRequest } from 'tributary/channel-kit';
import { eventsOf } from './pigeon.events.js';

/** One update a callback. Throws `MalformedRequest`. */
export function parse(request: VerifiedRequest): ParsedRequest {
  return { events: eventsOf(jsonBody(request)) };
}
