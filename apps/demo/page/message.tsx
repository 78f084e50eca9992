import type { Message, Part } from '#normalizer';
import type { VNode } from 'preact';
import { CheckIcon, ChecksIcon, ClockIcon, FileIcon, WarnIcon } from './icons.js';

interface DeskMessageProps {
  message: Message;
  before: Message | undefined;
  onLoad(): void;
}

export function DeskMessage({ message, before, onLoad }: DeskMessageProps): VNode {
  const { direction, author, parts, occurredAt, id } = message;
  const first = before?.direction !== direction || before.author.name !== author.name;
  const name = author.name ?? (direction === 'inbound' ? 'Visitor' : 'Agent');
  return (
    <div class={`said ${direction} ${first ? 'first' : ''}`} data-message={id}>
      {first && <span class="by">{name}</span>}
      {parts.map((part, at) => (
        <Piece key={at} part={part} whole={message.text} onLoad={onLoad} />
      ))}
      <span class="meta">
        <time dateTime={occurredAt}>{new Date(occurredAt).toLocaleTimeString('en-GB')}</time>
        <Marks message={message} />
      </span>
    </div>
  );
}

function Marks({ message: { status, failure, direction } }: { message: Message }): VNode | null {
  if (direction === 'inbound') return null;
  const Icon = {
    queued: ClockIcon,
    received: ClockIcon,
    sent: CheckIcon,
    delivered: ChecksIcon,
    read: ChecksIcon,
    failed: WarnIcon,
  };
  const Sign = Icon[status];
  return (
    <span class={`mark ${status}`}>
      <Sign />
      {status}
      {failure ? `: ${failure.message}` : ''}
    </span>
  );
}

function Piece({ part, whole, onLoad }: { part: Part; whole: string; onLoad(): void }): VNode {
  switch (part.type) {
    case 'text':
    case 'html':
      return <span class="bubble">{part.text}</span>;
    case 'media':
      return <Attachment part={part} onLoad={onLoad} />;
    case 'choices':
      return (
        <span class="bubble">
          {part.text}
          <span class="choices">
            {part.options.map(({ id, label }) => (
              <i key={id}>{label}</i>
            ))}
          </span>
        </span>
      );
    case 'choice':
      return (
        <span class="bubble">
          <span class="chose">chose</span> {part.label}
        </span>
      );
    default:
      return <span class="bubble">{whole || part.type}</span>;
  }
}

function Attachment({ part, onLoad }: { part: Extract<Part, { type: 'media' }>; onLoad(): void }): VNode {
  const { kind, url, name, mimeType, state } = part;
  const web = url && /^(https?:)?\//i.test(url) ? url : undefined;
  if (state !== 'ready' || !web) return <span class="bubble quiet">{`${name ?? kind}: ${state}`}</span>;
  if (kind === 'image' || kind === 'sticker') {
    return (
      <a href={web} target="_blank" rel="noopener noreferrer">
        <img src={web} alt={name ?? 'Picture'} onLoad={onLoad} />
      </a>
    );
  }
  return (
    <a class="file" href={web} target="_blank" rel="noopener noreferrer">
      <FileIcon />
      {name ?? mimeType}
    </a>
  );
}
