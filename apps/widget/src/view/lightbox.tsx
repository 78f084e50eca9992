import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useChrome, type Picture } from './chrome.js';
import { CloseIcon, DownloadIcon } from './icons.js';

/** One picture over everything. Escape, the button or a click beside it closes it and gives the focus back. */
export function Lightbox({ url, name }: Picture): VNode {
  const { panel, t } = useChrome();
  const button = useRef<HTMLButtonElement>(null);
  const close = () => panel.update({ picture: null });
  useEffect(() => {
    const root = button.current!.getRootNode() as ShadowRoot;
    const before = root.activeElement as HTMLElement | null;
    button.current!.focus();
    return () => before?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    close();
  };
  return (
    <div class="lightbox" role="dialog" aria-modal="true" aria-label={name} onClick={close} onKeyDown={onKeyDown}>
      <div class="lightbox-bar">
        <a href={url} download={name} target="_blank" rel="noopener" aria-label={t.download} class="round">
          <DownloadIcon />
        </a>
        <button ref={button} type="button" class="round" aria-label={t.close} onClick={close}>
          <CloseIcon />
        </button>
      </div>
      <img src={url} alt={name} onClick={(event) => event.stopPropagation()} />
    </div>
  );
}
