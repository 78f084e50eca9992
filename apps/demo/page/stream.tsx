import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Received } from './desk.js';
import { ChevronIcon, PullIcon, ShieldIcon } from './icons.js';

/** The events as they come, newest on top, each to be opened to its JSON. */
export function Stream({ events }: { events: readonly Received[] }): VNode {
  return (
    <section class="stream" aria-label="Event stream">
      <h2>
        Stream
        <small>
          {events.length === 0 ? 'signed webhooks' : `${events.length} ${events.length === 1 ? 'event' : 'events'}`}
        </small>
      </h2>
      <div class="events" tabIndex={0} role="group" aria-label="Events, newest first">
        {events.length === 0 && (
          <p class="quiet">Each event that the gateway posts to the helpdesk's webhook shows up here.</p>
        )}
        {events.map((received) => (
          <Entry key={received.event.id} received={received} />
        ))}
      </div>
    </section>
  );
}

function Entry({ received }: { received: Received }): VNode {
  const { event, verified, receivedAt, replay } = received;
  const isNew = useRef(Date.now() - Date.parse(receivedAt) < 3_000).current;
  const [open, setOpen] = useState(false);
  const family = event.type.split('.')[0];
  return (
    <div class={`event of-${family} ${isNew ? 'new' : ''}`}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <i class="dot" aria-hidden="true" />
        <span class="type">{event.type}</span>
        {replay && <span class="again">replay</span>}
        <span class="sequence" title="Sequence in the conversation">
          {event.sequence === null ? '' : `#${event.sequence}`}
        </span>
        <time dateTime={receivedAt}>{new Date(receivedAt).toLocaleTimeString('en-GB')}</time>
        {verified ? (
          <span class="verified" title="Standard Webhooks signature verified">
            <ShieldIcon />
            <span class="sr">signature verified</span>
          </span>
        ) : (
          <span class="pulled" title="Read from GET /v1/events when the helpdesk started">
            <PullIcon />
            <span class="sr">read from GET /v1/events</span>
          </span>
        )}
        <ChevronIcon />
      </button>
      {open && <pre tabIndex={0}>{coloured(JSON.stringify(event, null, 2))}</pre>}
    </div>
  );
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** JSON text with its keys, strings and literals marked. */
function coloured(json: string): (VNode | string)[] {
  const out: (VNode | string)[] = [];
  let done = 0;
  for (const match of json.matchAll(TOKEN)) {
    out.push(json.slice(done, match.index));
    const kind = match[1] === undefined ? 'literal' : match[2] === undefined ? 'string' : 'key';
    out.push(<span class={kind}>{match[1] ?? match[0]}</span>, match[2] ?? '');
    done = match.index + match[0].length;
  }
  return [...out, json.slice(done)];
}
