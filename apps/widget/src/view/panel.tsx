import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChatState } from '../engine/store.js';
import { useAttachments } from './attachments.js';
import { Avatar } from './avatar.js';
import { useChrome, useMedia, useStore } from './chrome.js';
import { Composer } from './composer.js';
import { Form } from './form.js';
import { CloseIcon } from './icons.js';
import { Log } from './log.js';

const FOCUSABLE = 'button:not(:disabled), a[href], textarea, input, select, [tabindex="0"], audio, video';

export function Panel(): VNode {
  const { client, panel, t, settings, close } = useChrome();
  const { open, picture } = useStore(panel);
  const chat = useStore(client.store);
  const attachments = useAttachments(t, chat.limits);
  const sheet = useMedia('(max-width: 480px)');
  const [dragging, setDragging] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useKeyboardInset(element, sheet && open);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.isComposing && !picture) close();
    if (event.key === 'Tab' && sheet) keepInside(event, element.current!);
  };
  const onDrag = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    if (event.type === 'drop' && !chat.form) attachments.add([...event.dataTransfer.files]);
    setDragging(event.type === 'dragover');
  };
  const onDragLeave = (event: DragEvent) => {
    if (!element.current!.contains(event.relatedTarget as Node | null)) setDragging(false);
  };

  return (
    <div
      ref={element}
      id="panel"
      class="panel"
      role="dialog"
      aria-label={settings.title ?? chat.title ?? t.title}
      aria-modal={sheet && open ? 'true' : undefined}
      inert={!open}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onDragOver={onDrag}
      onDrop={onDrag}
      onDragLeave={onDragLeave}
    >
      <Header chat={chat} />
      <Banner chat={chat} />
      {chat.form ? (
        <Form form={chat.form} />
      ) : (
        <>
          <Log chat={chat} />
          <Composer chat={chat} attachments={attachments} sheet={sheet} />
        </>
      )}
      {dragging && !chat.form && <div class="drop">{t.drop}</div>}
    </div>
  );
}

function Header({ chat }: { chat: ChatState }): VNode {
  const { t, settings, close } = useChrome();
  const people = chat.identifying ? [] : chat.messages.filter((m) => m.from === 'agent' && m.name);
  const agent = people[people.length - 1]?.name ?? null;
  return (
    <div class="header">
      <Avatar name={agent} />
      <div class="header-text">
        <h2>{settings.title ?? chat.title ?? t.title}</h2>
        <p>{agent ? t.subtitleAgent(agent) : t.subtitle}</p>
      </div>
      <button type="button" class="round" aria-label={t.close} onClick={close}>
        <CloseIcon />
      </button>
    </div>
  );
}

function Banner({ chat }: { chat: ChatState }): VNode {
  const { t } = useChrome();
  const words = { offline: navigator.onLine ? t.reconnecting : t.offline, refused: t.refused };
  const text = chat.phase === 'offline' || chat.phase === 'refused' ? words[chat.phase] : null;
  return (
    <div role="status" class="banner-slot">
      {text && (
        <div class={`banner ${chat.phase}`}>
          <span class="pulse" aria-hidden="true" />
          {text}
        </div>
      )}
    </div>
  );
}

/** Tab goes round within the sheet that covers the page. */
function keepInside(event: KeyboardEvent, panel: HTMLElement): void {
  const stops = [...panel.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((el) => el.offsetParent !== null);
  const active = (panel.getRootNode() as ShadowRoot).activeElement;
  const [first, last] = [stops[0], stops[stops.length - 1]];
  const leaves = event.shiftKey ? active === first || active === panel : active === last;
  if (!leaves) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}

/** On phones the sheet ends where the on-screen keyboard begins. */
function useKeyboardInset(element: { current: HTMLElement | null }, active: boolean): void {
  useEffect(() => {
    const viewport = window.visualViewport;
    if (!active || !viewport) return;
    const fit = () => {
      element.current?.style.setProperty('--sheet-height', `${viewport.height}px`);
      element.current?.style.setProperty('--sheet-top', `${viewport.offsetTop}px`);
    };
    fit();
    viewport.addEventListener('resize', fit);
    viewport.addEventListener('scroll', fit);
    return () => {
      viewport.removeEventListener('resize', fit);
      viewport.removeEventListener('scroll', fit);
    };
  }, [active]);
}
