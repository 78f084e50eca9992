/*
 * The demo page. On the left a customer's page with the widget (`/demo/shop` in a frame), on the right what a helpdesk sees. This page is
 * the helpdesk's face: it talks only to the demo helpdesk, which receives the gateway's signed webhook and answers through the public API.
 *
 * What the demo helpdesk serves (JSON; failures are problem documents with `detail`):
 *
 * GET /demo                  index.html        GET /demo/shop           shop.html
 * GET /demo/{demo,shop}.js, /demo/{demo,shop}.css
 *
 * GET /demo/helpdesk/stream
 *   Server-Sent Events. `event: stream`, `id:` the event's id, `data:` { event, verified, receivedAt, replay }: `event` as it came in the
 *   webhook's body, `verified` true for what a signed webhook brought (what does not verify is answered 401 and never gets here) and false for
 *   what was read from `GET /v1/events` when the helpdesk started, `receivedAt` ISO 8601, `replay` whether the request carried
 *   `tributary-replay: true`. On connect everything held is sent, oldest first; the page tells repeats by event id. Live
 *   events (`typing.*`) are passed on and not held.
 *
 * GET /demo/helpdesk/conversations
 *   { items: [{ conversation, contact, messages }] }: the latest snapshots of each, messages ascending; conversations latest first.
 *
 * POST /demo/helpdesk/conversations/{id}/messages   { text } | { parts }   202, the message. The author is the demo's agent. An
 *   `Idempotency-Key` is handed on to the gateway.
 * POST /demo/helpdesk/conversations/{id}/typing     204
 * PATCH /demo/helpdesk/conversations/{id}           { status: 'open' | 'closed' }   200, the conversation
 * POST /demo/helpdesk/files                         multipart `file`   201, { id, url, mimeType, bytes, name }
 *   The message then carries { type: 'media', kind, fileId: id, mimeType, bytes, name }.
 *
 * Addresses of files in events may be relative to the gateway.
 */
import { h, render } from 'preact';
import { Desk } from './desk.js';
import { Page } from './page.js';

const desk = new Desk();
render(h(Page, { desk }), document.getElementById('page')!);
desk.connect();
