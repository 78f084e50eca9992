import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Desk, Ticket } from './desk.js';
import { ChoicesIcon, ImageIcon, SendIcon } from './icons.js';
import { DeskMessage } from './message.js';

/** One conversation as an agent has it before them. */
export function ConversationPane({ desk }: { desk: Desk }): VNode {
  const { ticket } = desk;
  return (
    <div class="conversation">
      <Head desk={desk} ticket={ticket} />
      {ticket ? <Thread ticket={ticket} /> : <Nothing />}
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
      <span class="lights dim" aria-hidden="true" />
      <h2>Your helpdesk</h2>
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

function Thread({ ticket }: { ticket: Ticket }): VNode {
  const log = useRef<HTMLDivElement>(null);
  const typing = ticket.typingUntil > Date.now();
  const last = ticket.messages[ticket.messages.length - 1];
  useLayoutEffect(
    () => log.current!.scrollTo({ top: log.current!.scrollHeight }),
    [last?.id, typing, ticket.conversation.id],
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

function AnswerBox({ desk, ticket }: { desk: Desk; ticket: Ticket | null }): VNode {
  const [text, setText] = useState('');
  const picker = useRef<HTMLInputElement>(null);
  const id = ticket?.conversation.id;
  const send = () => {
    if (!id || !text.trim()) return;
    void desk.answer(id, { text: text.trim() });
    setText('');
  };
  const ask = () => {
    const options = ['Starter', 'Team', 'Enterprise'].map((label) => ({ id: label.toLowerCase(), label }));
    if (id) void desk.answer(id, { parts: [{ type: 'choices', text: 'Which plan are you on?', options }] });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  return (
    <div class="answer">
      <textarea
        rows={2}
        value={text}
        disabled={!id}
        aria-label="Answer the customer"
        placeholder={id ? 'Answer as Mia…' : 'Nobody to answer yet'}
        onInput={(event) => {
          setText(event.currentTarget.value);
          if (id && event.currentTarget.value.trim()) desk.typing(id);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="answer-row">
        <button type="button" class="tool" disabled={!id} onClick={() => picker.current!.click()}>
          <ImageIcon />
          Picture
        </button>
        <button type="button" class="tool" disabled={!id} onClick={ask}>
          <ChoicesIcon />
          Choices
        </button>
        <input
          ref={picker}
          type="file"
          hidden
          aria-label="Picture for the customer"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            if (id && file) void desk.sendFile(id, file);
          }}
        />
        <button type="button" class="primary" disabled={!id || !text.trim()} onClick={send}>
          Send
          <SendIcon />
        </button>
      </div>
    </div>
  );
}
