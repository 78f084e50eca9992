import type { VNode } from 'preact';
import type { ChoicesPart, Part } from '../engine/wire.js';
import { fileUrl, useChrome } from './chrome.js';
import { CheckIcon, PersonIcon, PinIcon } from './icons.js';
import { chosenOption, type Item } from './layout.js';
import { Media } from './media.js';
import { isJumbo, Link, Text } from './text.js';

type Of<T extends Part['type']> = Extract<Part, { type: T }>;

interface PartProps {
  part: Part;
  item: Item;
  items: readonly Item[];
}

export function PartView({ part, item, items }: PartProps): VNode {
  const { t } = useChrome();
  switch (part.type) {
    case 'text':
    case 'html':
      return <Bubble text={part.text} />;
    case 'media':
      return <Media part={part} />;
    case 'choices':
      return <Choices part={part} item={item} items={items} />;
    case 'choice':
      return <Bubble text={part.label} />;
    case 'location':
      return <Place part={part} />;
    case 'link':
      return <LinkCard part={part} />;
    case 'card':
      return <Card part={part} item={item} items={items} />;
    case 'contact-card':
      return <Person part={part} />;
    default:
      return <span class="bubble quiet">{t.unsupported}</span>;
  }
}

function Bubble({ text }: { text: string }): VNode {
  if (isJumbo(text)) return <span class="jumbo">{text}</span>;
  return (
    <span class="bubble">
      <Text>{text}</Text>
    </span>
  );
}

function Choices({ part, item, items }: { part: ChoicesPart; item: Item; items: readonly Item[] }): VNode {
  const { t } = useChrome();
  return (
    <>
      <Bubble text={part.text} />
      <Options options={part.options} label={part.text || t.choose} item={item} items={items} />
    </>
  );
}

interface OptionsProps {
  options: readonly { id: string; label: string }[];
  label: string;
  item: Item;
  items: readonly Item[];
}

/** Buttons to answer with, once. Afterwards they show what was chosen. */
function Options({ options, label, item, items }: OptionsProps): VNode {
  const { client, panel, t } = useChrome();
  const ids = options.map((option) => option.id);
  const chosen = chosenOption(items, item, ids);
  const choose = ({ id, label }: { id: string; label: string }) => {
    client.send([{ type: 'choice', optionId: id, label, messageId: item.id ?? undefined }]);
    panel.update({ divider: null, focus: { on: 'box' } });
  };
  return (
    <span class="options" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.id}
          type="button"
          class={option.id === chosen ? 'chosen' : ''}
          disabled={chosen !== null || item.from === 'me'}
          aria-pressed={chosen !== null ? option.id === chosen : undefined}
          onClick={() => choose(option)}
        >
          {option.id === chosen && <CheckIcon />}
          {option.label}
          {option.id === chosen && <span class="sr"> ({t.chosen})</span>}
        </button>
      ))}
    </span>
  );
}

function Place({ part }: { part: Of<'location'> }): VNode {
  const { t } = useChrome();
  const { latitude, longitude, name, address } = part;
  const spot = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return (
    <span class="card row">
      <span class="tile">
        <PinIcon />
      </span>
      <span class="card-text">
        <b>{name ?? t.location}</b>
        <small>{address ?? spot}</small>
        <Link href={map}>{t.map}</Link>
      </span>
    </span>
  );
}

function Person({ part }: { part: Of<'contact-card'> }): VNode {
  const { t } = useChrome();
  return (
    <span class="card row">
      <span class="tile">
        <PersonIcon />
      </span>
      <span class="card-text">
        <b>{part.name || t.contactCard}</b>
        {part.handles.map((handle) => (
          <small key={handle.scheme + handle.value}>{handle.value}</small>
        ))}
      </span>
    </span>
  );
}

function LinkCard({ part }: { part: Of<'link'> }): VNode {
  const { settings } = useChrome();
  const picture = fileUrl(part.thumbnailUrl, settings.base);
  const host = fileUrl(part.url, settings.base) ? new URL(part.url, settings.base).hostname : part.url;
  return (
    <Link href={part.url} class="card link-card">
      {picture && <img src={picture} alt="" loading="lazy" />}
      <span class="card-text">
        <b>{part.title ?? part.url}</b>
        {part.description && <span>{part.description}</span>}
        <small>{host}</small>
      </span>
    </Link>
  );
}

function Card({ part, item, items }: { part: Of<'card'>; item: Item; items: readonly Item[] }): VNode {
  const answers = part.actions.flatMap(({ id, label, url }) => (id && !url ? [{ id, label }] : []));
  return (
    <span class="card">
      {part.media && <Media part={part.media} />}
      <span class="card-text">
        <b>{part.title}</b>
        {part.text && (
          <span class="wrap">
            <Text>{part.text}</Text>
          </span>
        )}
        {part.actions.map(({ label, url }) =>
          url ? (
            <Link key={url} href={url} class="action">
              {label}
            </Link>
          ) : null,
        )}
        {answers.length > 0 && <Options options={answers} label={part.title} item={item} items={items} />}
      </span>
    </span>
  );
}
