import { settingsOf } from './settings.js';
import { Shell } from './shell.js';

type Listener = (payload: unknown) => void;

/** The page's way to the widget: `Tributary(command, ...arguments)`. Before the script is here, a stub keeps the calls in `q`. */
interface Tributary {
  (command: string, ...rest: unknown[]): void;
  q?: ArrayLike<unknown>[];
  loaded?: true;
}

declare global {
  interface Window {
    Tributary?: Tributary;
  }
}

function commands(shell: Shell): Tributary {
  const offs = new Map<string, Map<Listener, () => void>>([
    ['message', new Map()],
    ['unread', new Map()],
  ]);
  const on = (name: string, run: Listener) => {
    const listeners = offs.get(name);
    if (!listeners) throw new TypeError(`Tributary: there is no event '${name}'`);
    if (listeners.has(run)) return;
    listeners.set(run, name === 'message' ? shell.onMessage(run) : shell.onUnread(run));
  };
  const off = (name: string, run: Listener) => {
    offs.get(name)?.get(run)?.();
    offs.get(name)?.delete(run);
  };
  const table: Record<string, (...rest: never[]) => void> = {
    open: () => shell.open(),
    close: () => shell.close(),
    identify: ({ token }: { token: string }) => shell.client.identify(token),
    shutdown: () => shell.shutdown(),
    on,
    off,
  };
  return (command, ...rest) => {
    const run = Object.hasOwn(table, command) ? table[command] : undefined;
    if (!run) throw new TypeError(`Tributary: there is no command '${command}'`);
    run(...(rest as never[]));
  };
}

function boot(script: HTMLScriptElement): void {
  const shell = new Shell(settingsOf(script, [document.documentElement.lang, ...navigator.languages]));
  const waiting = window.Tributary?.q ?? [];
  const tributary = commands(shell);
  tributary.loaded = true;
  window.Tributary = tributary;
  shell.mount();
  for (const call of Array.from(waiting)) {
    const [command, ...rest] = Array.from(call) as [string, ...unknown[]];
    queueMicrotask(() => tributary(command, ...rest));
  }
}

const script =
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>('script[src*="/widget.js"]');
if (script && !window.Tributary?.loaded) {
  if (document.body) boot(script);
  else document.addEventListener('DOMContentLoaded', () => boot(script), { once: true });
}
