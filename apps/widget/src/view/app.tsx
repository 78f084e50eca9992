import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { unreadCount } from '../engine/store.js';
import { css, legible, parseColour, readableOn, type Rgb } from '../colour.js';
import { ChromeContext, useChrome, useMedia, useStore, type Chrome } from './chrome.js';
import { Avatar } from './avatar.js';
import { ChatIcon, CloseIcon, DownIcon } from './icons.js';
import { Lightbox } from './lightbox.js';
import { Panel } from './panel.js';

export function App({ chrome, accent }: { chrome: Chrome; accent: string }): VNode {
  const { settings, t, panel } = chrome;
  const { open, picture } = useStore(panel);
  const system = useMedia('(prefers-color-scheme: dark)') ? 'dark' : 'light';
  const [opened, setOpened] = useState(open);
  if (open && !opened) setOpened(true);
  return (
    <ChromeContext.Provider value={chrome}>
      <div
        class={`root ${settings.position} ${open ? 'open' : ''}`}
        data-theme={settings.theme === 'auto' ? system : settings.theme}
        lang={t.lang}
        dir="ltr"
        role="region"
        aria-label={t.region}
        style={palette(accent)}
      >
        {opened && <Panel />}
        {!open && <Preview />}
        <Launcher />
        {picture && <Lightbox {...picture} />}
      </div>
    </ChromeContext.Provider>
  );
}

const LIGHT: Rgb = [255, 255, 255];
const DARK: Rgb = [35, 38, 46];

function palette(accent: string): Record<string, string> {
  const colour = parseColour(accent) ?? [47, 91, 234];
  return {
    '--accent': css(colour),
    '--on-accent': css(readableOn(colour)),
    '--accent-on-light': css(legible(colour, LIGHT)),
    '--accent-on-dark': css(legible(colour, DARK)),
  };
}

function Launcher(): VNode {
  const { client, panel, t, close } = useChrome();
  const { open, focus } = useStore(panel);
  const unread = unreadCount(useStore(client.store));
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (focus?.on === 'launcher') button.current?.focus();
  }, [focus]);
  const label = open ? t.closeLauncher : unread > 0 ? t.openUnread(unread) : t.open;
  return (
    <button
      ref={button}
      type="button"
      class="launcher"
      aria-label={label}
      aria-expanded={open}
      aria-controls="panel"
      aria-haspopup="dialog"
      onClick={() => (open ? close() : panel.update({ open: true, focus: { on: 'box' } }))}
    >
      <span class="glyph chat">
        <ChatIcon />
      </span>
      <span class="glyph down">
        <DownIcon />
      </span>
      {!open && unread > 0 && <span class="badge">{unread > 99 ? '99+' : unread}</span>}
    </button>
  );
}

/** The newest unread message beside the closed launcher. For the mouse only: keyboard and screen reader have the launcher and the announcement. */
function Preview(): VNode {
  const { client, panel, t } = useChrome();
  const { messages, readUpTo, identifying } = useStore(client.store);
  const [dismissed, dismiss] = useState(0);
  const latest = identifying ? undefined : messages.filter((m) => m.from !== 'me' && m.seq > readUpTo).pop();
  const name = latest?.name ?? t.team;
  return (
    <>
      <div class="sr" role="status">
        {latest && t.newFrom(name)}
      </div>
      {latest && latest.seq > dismissed && (
        <div class="preview" aria-hidden="true" onClick={() => panel.update({ open: true, focus: { on: 'box' } })}>
          <Avatar name={latest.name} from={latest.from} />
          <div class="preview-body">
            <strong>{name}</strong>
            <p>{latest.text || t.file}</p>
          </div>
          <span
            class="preview-close"
            onClick={(event) => {
              event.stopPropagation();
              dismiss(latest.seq);
            }}
          >
            <CloseIcon />
          </span>
        </div>
      )}
    </>
  );
}
