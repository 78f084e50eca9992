import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { AnswerBox } from './answer.js';
import type { Desk, Ticket } from './desk.js';
import { DeskMessage } from './message.js';

/** One conversation as an agent has it before them. */
export function ConversationPane({ desk }: { desk: Desk }): VNode {
  const { ticket } = desk;
  return (
    <div class="conversation">
      <Head desk={desk} ticket={ticket} />
      {ticket ? <Thread ticket={ticket} problem={desk.state.problem} /> : <Nothing />}
      {desk.state.problem && (
        <p class="problem" role="alert">
          {desk.state.problem}
        </p>
      )}
      <AnswerBox desk={desk} ticket={ticket} />
    </div>
  );
}

function Head({ desk, ticket }: { desk: Desk; ticket: Ticket | null }): VNode {
  const tickets = [...desk.state.tickets.values()].reverse();
  const status = ticket?.conversation.status;
  const closed = status === 'closed';
  return (
    <div class="bar">
      <h2 class={tickets.length > 1 ? 'sr' : ''}>Your helpdesk</h2>
      {tickets.length > 1 && (
        <select
          aria-label="Conversation"
          value={ticket?.conversation.id}
          onChange={(event) => desk.pick(event.currentTarget.value)}
        >
          {tickets.map((each) => (
            <option key={each.conversation.id} value={each.conversation.id}>
              {titleOf(each)}
            </option>
          ))}
        </select>
      )}
      {desk.behind && (
        <button type="button" class="newest" title="To the customer who wrote last" onClick={() => desk.pick(null)}>
          Newest
        </button>
      )}
      {status && <span class={`pill ${status}`}>{status}</span>}
      {ticket && (
        <button type="button" onClick={() => void desk.setStatus(ticket.conversation.id, closed ? 'open' : 'closed')}>
          {closed ? 'Reopen' : 'Close'}
        </button>
      )}
    </div>
  );
}

function titleOf({ contact, conversation, messages }: Ticket): string {
  const name = contact?.name ?? `Visitor ${conversation.id.slice(-4)}`;
  const last = messages[messages.length - 1]?.text.replace(/\s+/g, ' ') ?? '';
  return `${name}: ${last.length > 40 ? `${last.slice(0, 40)}…` : last}`;
}

function Nothing(): VNode {
  return (
    <div class="nothing">
      <h2>Waiting for the first message</h2>
      <p>Write something in the chat on the customer's page. It arrives here as a signed event, within milliseconds.</p>
      <p>
        Then try a picture, reload the page in the middle of it, or stop the gateway with <code>kill -9</code> and start
        it again: nothing is lost and nothing comes twice.
      </p>
    </div>
  );
}

function Thread({ ticket, problem }: { ticket: Ticket; problem: string | null }): VNode {
  const log = useRef<HTMLDivElement>(null);
  const typing = ticket.typingUntil > Date.now();
  const last = ticket.messages[ticket.messages.length - 1];
  useLayoutEffect(
    () => log.current!.scrollTo({ top: log.current!.scrollHeight }),
    [last?.id, typing, ticket.conversation.id, problem],
  );
  const toEnd = () => log.current!.scrollTo({ top: log.current!.scrollHeight });
  return (
    <div ref={log} class="thread" role="log" tabIndex={0} aria-label="Helpdesk conversation">
      {ticket.messages.map((message, at) => (
        <DeskMessage key={message.id} message={message} before={ticket.messages[at - 1]} onLoad={toEnd} />
      ))}
      {typing && (
        <div class="said inbound">
          <span class="bubble dots" role="status" aria-label="The customer is typing">
            <i />
            <i />
            <i />
          </span>
        </div>
      )}
    </div>
  );
}
