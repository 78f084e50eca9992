import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { pieces } from './links.js';

export function Text({ children }: { children: string }): ComponentChildren {
  const found = useMemo(() => pieces(children), [children]);
  return found.map(({ text, href }) => (href ? <Link href={href}>{text}</Link> : text));
}

/** A link to the outside; anything but http, https and mailto is shown as text. */
export function Link(props: { href: string; class?: string; children: ComponentChildren }): ComponentChildren {
  if (!/^(https?:\/\/|mailto:)/i.test(props.href)) return <span class={props.class}>{props.children}</span>;
  return (
    <a href={props.href} class={props.class} target="_blank" rel="noopener noreferrer nofollow ugc">
      {props.children}
    </a>
  );
}

/** One to three emoji and nothing else: shown large, without a bubble. */
export function isJumbo(text: string): boolean {
  return /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|[\u{1F3FB}-\u{1F3FF}])*\s*){1,3}$/u.test(
    text,
  );
}
