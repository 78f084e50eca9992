import { h, render } from 'preact';
import { browserPlatform } from './engine/browser.js';
import { ChatClient } from './engine/client.js';
import { Store } from './engine/store.js';
import type { ChatMessage } from './engine/wire.js';
import type { Settings } from './settings.js';
import { stringsFor } from './strings.js';
import { App } from './view/app.js';
import type { PanelState } from './view/chrome.js';
import sheet from './widget.css';

/** The widget on the page: one engine, one panel, one host element. */
export class Shell {
  readonly client: ChatClient;
  private readonly panel = new Store<PanelState>({ open: false, divider: null, focus: null, picture: null });
  private opened = false;
  private watching = false;
  private unread = 0;
  private readonly unreadListeners = new Set<(count: number) => void>();

  constructor(private readonly settings: Settings) {
    const { base, account, locale } = settings;
    const warn = (text: string) => console.warn(`Tributary: ${text}`); // eslint-disable-line no-console
    this.client = new ChatClient(
      { base, account, locale, page: location.href.slice(0, 2_048), warn },
      browserPlatform(),
    );
    this.client.store.watch(() => this.follow());
    this.panel.watch(() => this.follow());
    document.addEventListener('visibilitychange', () => this.follow());
    document.addEventListener('visibilitychange', () => document.hidden || this.client.probe());
    addEventListener('online', () => this.client.probe());
    addEventListener('offline', () => this.client.networkLost());
    addEventListener('pageshow', () => this.client.probe());
  }

  /** Puts the widget on the page and resumes an earlier visit. */
  mount(): void {
    const host = document.createElement('tributary-chat');
    const root = host.attachShadow({ mode: 'open' });
    adopt(root);
    // The page's own shortcuts are not for what is typed here.
    for (const type of ['keydown', 'keyup', 'keypress'])
      root.addEventListener(type, (event) => event.stopPropagation());
    document.body.append(host);
    const t = stringsFor(this.settings.locale);
    const chrome = {
      client: this.client,
      panel: this.panel,
      settings: this.settings,
      t,
      close: () => this.closeByHand(),
    };
    render(h(App, { chrome, accent: resolveColour(this.settings.accent, host) }), root);
    this.client.start();
  }

  /** Opens the panel. The focus follows only where a person's own click or key may have asked for it, and never out of a field. */
  open(): void {
    const writing = document.activeElement?.matches('input, textarea, select, iframe, [contenteditable]') ?? false;
    const asked = !writing && (navigator.userActivation?.isActive ?? false);
    this.panel.update({ open: true, focus: asked ? { on: 'box' } : null });
  }

  close(): void {
    this.panel.update({ open: false, picture: null });
  }

  shutdown(): void {
    this.close();
    this.client.shutdown();
  }

  onMessage(run: (message: ChatMessage) => void): () => void {
    return this.client.onMessage(run);
  }

  /** Calls `run` now and with each change of the number of unread messages. */
  onUnread(run: (count: number) => void): () => void {
    this.unreadListeners.add(run);
    run(this.unread);
    return () => void this.unreadListeners.delete(run);
  }

  private closeByHand(): void {
    this.panel.update({ open: false, picture: null, focus: { on: 'launcher' } });
  }

  /** Keeps engine and panel in step: connected once opened, read only while seen. */
  private follow(): void {
    const { open } = this.panel.state;
    const { phase } = this.client.store.state;
    if (open && (phase === 'idle' || (phase === 'offline' && !this.opened))) {
      this.opened = true;
      this.client.connect();
    }
    this.opened = open;
    const watching = open && !document.hidden && this.client.store.state.caughtUp;
    if (watching !== this.watching) {
      this.watching = watching;
      const { readUpTo } = this.client.store.state;
      if (watching) this.panel.update({ divider: this.client.unread > 0 ? readUpTo : null });
      this.client.watched(watching);
    }
    if (this.unread === this.client.unread) return;
    this.unread = this.client.unread;
    for (const run of this.unreadListeners) run(this.unread);
  }
}

/** Adopted sheets work under a Content-Security-Policy that forbids inline styles; a style element is for browsers without them. */
function adopt(root: ShadowRoot): void {
  try {
    const styles = new CSSStyleSheet();
    styles.replaceSync(sheet);
    root.adoptedStyleSheets = [styles];
  } catch {
    const style = document.createElement('style');
    style.textContent = sheet;
    root.append(style);
  }
}

/** Any CSS colour as `rgb()`, by asking the browser. */
function resolveColour(colour: string, host: HTMLElement): string {
  const probe = document.createElement('i');
  probe.style.color = colour;
  host.shadowRoot!.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return probe.style.color ? resolved : '';
}
