import type { ComponentChildren } from 'preact';

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`，。；：！？、（）【】《》“”]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;

export type Piece = { text: string; href: string | null };

/** Splits text into plain pieces and links (http, https, www and email addresses; nothing else ever becomes a link). */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimmed(match[0]);
    const href = link.includes('://') ? link : /^www\./i.test(link) ? `https://${link}` : `mailto:${link}`;
    if (match.index > done) found.push({ text: text.slice(done, match.index), href: null });
    found.push({ text: link, href });
    done = match.index + link.length;
  }
  if (done < text.length) found.push({ text: text.slice(done), href: null });
  return found;
}

/** A full stop or an unopened bracket at the end belongs to the sentence, not to the address. */
function trimmed(link: string): string {
  const end = link.replace(/[.,;:!?'"\]}]+$/, '');
  return end.endsWith(')') && !end.includes('(') ? trimmed(end.slice(0, -1)) : end;
}

export function Text({ children }: { children: string }): ComponentChildren {
  return pieces(children).map(({ text, href }) => (href ? <Link href={href}>{text}</Link> : text));
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
