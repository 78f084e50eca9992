/** What a page says on the widget's script tag. */
export interface Settings {
  base: string;
  account: string;
  /** Any CSS colour. */
  accent: string;
  position: 'left' | 'right';
  theme: 'light' | 'dark' | 'auto';
  locale: string;
  title: string | null;
  greeting: string | null;
}

const DEFAULT_ACCENT = '#2f5bea';

/**
 * Reads `data-account`, `data-accent`, `data-position`, `data-theme`, `data-locale`, `data-title`, `data-greeting`. The gateway is where
 * the script came from. What is missing or not understood takes its default.
 */
export function settingsOf(script: { src: string; dataset: DOMStringMap }, languages: readonly string[]): Settings {
  const { account, accent, position, theme, locale, title, greeting } = script.dataset;
  const asked = locale && locale !== 'auto' ? locale : (languages.find((l) => /^(zh|en)\b/i.test(l)) ?? 'en');
  return {
    base: new URL('.', script.src).href.replace(/\/$/, ''),
    account: account || 'web',
    accent: accent || DEFAULT_ACCENT,
    position: position === 'left' ? 'left' : 'right',
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
    locale: asked,
    title: title || null,
    greeting: greeting || null,
  };
}
