import type { VNode } from 'preact';
import { Avatar } from './avatar.js';
import { useChrome } from './chrome.js';
import { clock } from './format.js';
import { AlertIcon, CheckIcon, ChecksIcon, ClockIcon } from './icons.js';
import type { Item, Row } from './layout.js';
import { PendingFileView } from './media.js';
import { PartView } from './parts.js';

type MessageProps = Omit<Extract<Row, { kind: 'item' }>, 'kind' | 'key'> & { items: readonly Item[] };

/** One message: its parts below each other, who and when around them. */
export function Message({ item, first, last, newest, items }: MessageProps): VNode {
  const { t } = useChrome();
  const mine = item.from === 'me';
  const author = mine ? t.you : (item.name ?? (item.from === 'bot' ? t.bot : t.team));
  const side = item.from === 'system' ? 'system' : mine ? 'mine' : 'theirs';
  return (
    <div
      class={`line ${side} ${first ? 'first' : ''} ${last ? 'last' : ''} ${item.outgoing ? 'waiting' : ''} ${item.mark === 'failed' ? 'rejected' : ''}`}
    >
      {side === 'theirs' && (last ? <Avatar name={item.name} from={item.from} /> : <span class="avatar-gap" />)}
      <div class="stack">
        {first && side === 'theirs' ? <span class="author">{author}</span> : <span class="sr">{author}: </span>}
        {item.files.map((file) => (
          <PendingFileView key={file} file={file} />
        ))}
        {item.parts.map((part, at) => (
          <PartView key={at} part={part} item={item} items={items} />
        ))}
        <Footer item={item} last={last} newest={newest} />
      </div>
    </div>
  );
}

function Footer({ item, last, newest }: Pick<MessageProps, 'item' | 'last' | 'newest'>): VNode | null {
  const { t } = useChrome();
  if (item.mark === 'failed') return <Failed item={item} />;
  const waits = item.outgoing !== null && (last || item.mark === 'uploading');
  if (item.from === 'system' || !(last || newest || waits)) return null;
  const time = clock(item.at, t.lang);
  return (
    <span class="footer">
      <time dateTime={new Date(item.at).toISOString()}>{time}</time>
      {item.from === 'me' && (newest || waits) && <Status item={item} />}
    </span>
  );
}

function Status({ item }: { item: Item }): VNode {
  const { t } = useChrome();
  const { mark } = item;
  const percent = Math.round((item.outgoing?.progress ?? 0) * 100);
  const words = mark === 'uploading' ? t.uploading(percent) : t[mark];
  const Icon = mark === 'sent' ? CheckIcon : mark === 'delivered' || mark === 'read' ? ChecksIcon : ClockIcon;
  return (
    <span class={`status ${mark}`} aria-live="off">
      <Icon />
      {words}
    </span>
  );
}

function Failed({ item }: { item: Item }): VNode {
  const { t, client } = useChrome();
  const { outgoing } = item;
  const why = outgoing?.problem;
  return (
    <span class="footer failed" role="alert">
      <AlertIcon />
      <span>{why?.detail ? t.failedBecause(why) : t.failed}</span>
      {outgoing && (
        <>
          <button type="button" onClick={() => client.retry(outgoing.clientId)}>
            {t.retry}
          </button>
          <button type="button" onClick={() => client.discard(outgoing.clientId)}>
            {t.discard}
          </button>
        </>
      )}
    </span>
  );
}
