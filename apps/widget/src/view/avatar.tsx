import type { VNode } from 'preact';
import type { ChatMessage } from '../engine/wire.js';
import { initials } from './format.js';
import { ChatIcon } from './icons.js';

/** A picture of who wrote: initials, or the chat sign where there is no name. The name itself stands in the text. */
export function Avatar({ name, from }: { name: string | null; from?: ChatMessage['from'] }): VNode {
  return (
    <span class={`avatar ${from ?? ''}`} aria-hidden="true">
      {name ? initials(name) : <ChatIcon />}
    </span>
  );
}
