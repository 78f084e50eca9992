import { createContext } from 'preact';
import { useContext, useEffect, useLayoutEffect, useReducer, useState } from 'preact/hooks';
import type { ChatClient } from '../engine/client.js';
import type { Store } from '../engine/store.js';
import type { Settings } from '../settings.js';
import type { Strings } from '../strings.js';

export interface PanelState {
  open: boolean;
  /** The `seq` that a person had read up to when this look at the panel began; null where nothing was unread. */
  divider: number | null;
  /** Where the focus is to go now; a new object for each wish. */
  focus: { on: 'box' | 'launcher' } | null;
  picture: Picture | null;
}

export interface Picture {
  url: string;
  name: string;
}

/** What every part of the view may use. */
export interface Chrome {
  client: ChatClient;
  panel: Store<PanelState>;
  settings: Settings;
  t: Strings;
  /** Closes the panel and gives the focus back to the launcher. */
  close(): void;
}

export const ChromeContext = createContext<Chrome | null>(null);

export function useChrome(): Chrome {
  return useContext(ChromeContext)!;
}

/** The state of a store, rendered anew whenever it changes. */
export function useStore<T extends object>(store: Store<T>): T {
  const [, render] = useReducer((n: number) => n + 1, 0);
  useLayoutEffect(() => store.watch(() => render(0 as never)), [store]);
  return store.state;
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const [holds, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => set(list.matches);
    list.addEventListener('change', update);
    return () => list.removeEventListener('change', update);
  }, [query]);
  return holds;
}

/** The address of a file, which the gateway may give relative to itself; null for what a browser must not load. */
export function fileUrl(url: string | undefined, base: string): string | null {
  if (!url) return null;
  try {
    const { protocol, href } = new URL(url, `${base}/`);
    return /^(https?|blob):$/.test(protocol) ? href : null;
  } catch {
    return null;
  }
}
