import type { VNode } from 'preact';
import type { Ticket } from './desk.js';

/** Who the customer is, and where the conversation runs. */
export function Facts({ ticket }: { ticket: Ticket | null }): VNode {
  const contact = ticket?.contact;
  const handles = contact?.handles ?? [];
  const thread = ticket?.conversation.threads[0];
  return (
    <section class="facts" aria-label="Contact">
      <h2>Contact</h2>
      {!ticket && <p class="quiet">Nobody yet</p>}
      {ticket && (
        <dl>
          <dt>Name</dt>
          <dd>{contact?.name ?? 'Anonymous visitor'}</dd>
          {handles.slice(0, 3).map(({ scheme, value, proof }) => (
            <>
              <dt>{scheme}</dt>
              <dd>
                <code title={value}>{value}</code>
                <span class={`proof ${proof}`}>{proof}</span>
              </dd>
            </>
          ))}
          {contact?.company && <dt>Company</dt>}
          {contact?.company && <dd>{[contact.company.name, contact.company.level].filter(Boolean).join(', ')}</dd>}
          {thread && <dt>Channel</dt>}
          {thread && <dd>{`${thread.channel} / ${thread.accountId}`}</dd>}
        </dl>
      )}
    </section>
  );
}
