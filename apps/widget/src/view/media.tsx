import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { PendingFile } from '../engine/store.js';
import type { MediaPart } from '../engine/wire.js';
import { fileUrl, useChrome } from './chrome.js';
import { size } from './format.js';
import { DownloadIcon, FileIcon } from './icons.js';

/** Largest a picture is shown in the log, px. */
const BOX = { width: 240, height: 280 };

export function Media({ part }: { part: MediaPart }): VNode {
  const { settings, client, t } = useChrome();
  const url = client.preview(part.fileId) ?? fileUrl(part.url, settings.base);
  const caption = part.caption && <span class="bubble">{part.caption}</span>;
  if (part.state !== 'ready') return <FileCard part={part} url={null} note={t[part.state]} />;
  const isPicture = part.kind === 'image' || part.kind === 'sticker';
  if (!url || !(isPicture || part.kind !== 'file')) return <FileCard part={part} url={url} />;
  return (
    <>
      {isPicture ? <Image part={part} url={url} /> : <Player part={part} url={url} />}
      {caption}
    </>
  );
}

function Image({ part, url }: { part: MediaPart; url: string }): VNode {
  const { panel, t } = useChrome();
  const [state, setState] = useState<'loading' | 'shown' | 'broken'>('loading');
  const name = part.name ?? t.picture;
  if (state === 'broken') return <FileCard part={part} url={url} />;
  const { width, height } = shown(part);
  return (
    <button
      type="button"
      class={`picture ${state} ${part.kind}`}
      style={width ? { width: `${width}px`, aspectRatio: `${width} / ${height}` } : undefined}
      aria-label={t.openPicture(name)}
      onClick={() => panel.update({ picture: { url, name } })}
    >
      <img src={url} alt={name} onLoad={() => setState('shown')} onError={() => setState('broken')} />
    </button>
  );
}

/** The size at which a picture fits the log; no size where it is not known. */
function shown({ width, height }: MediaPart): { width?: number; height?: number } {
  if (!width || !height) return {};
  const scale = Math.min(1, BOX.width / width, BOX.height / height);
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

function Player({ part, url }: { part: MediaPart; url: string }): VNode {
  const { t } = useChrome();
  if (part.kind === 'video')
    return <video class="player" src={url} controls preload="metadata" aria-label={part.name ?? t.video} />;
  return <audio class="player" src={url} controls preload="none" aria-label={part.name ?? t.audio} />;
}

function FileCard({ part, url, note }: { part: MediaPart; url: string | null; note?: string }): VNode {
  const { t } = useChrome();
  const inside = (
    <>
      <span class="tile">
        <FileIcon />
      </span>
      <span class="card-text">
        <b>{part.name ?? t.file}</b>
        <small>{note ?? (part.bytes === null ? part.mimeType : size(part.bytes))}</small>
      </span>
    </>
  );
  if (!url) return <span class="card row">{inside}</span>;
  return (
    <a class="card row" href={url} download={part.name ?? true} target="_blank" rel="noopener">
      {inside}
      <span class="card-icon">
        <DownloadIcon />
        <span class="sr">{t.download}</span>
      </span>
    </a>
  );
}

/** A file that is still on its way to the gateway. */
export function PendingFileView({ file }: { file: PendingFile }): VNode {
  if (file.preview) {
    return (
      <span class="picture shown pending">
        <img src={file.preview} alt={file.file.name} />
      </span>
    );
  }
  return (
    <span class="card row pending">
      <span class="tile">
        <FileIcon />
      </span>
      <span class="card-text">
        <b>{file.file.name}</b>
        <small>{size(file.file.size)}</small>
      </span>
    </span>
  );
}
