import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Desk, Ticket } from './desk.js';
import { ChoicesIcon, ImageIcon, SendIcon } from './icons.js';

/** Where the agent writes. What could not be sent comes back into the box. */
export function AnswerBox({ desk, ticket }: { desk: Desk; ticket: Ticket | null }): VNode {
  const [text, setText] = useState('');
  const id = ticket?.conversation.id;
  const send = async () => {
    const answer = text.trim();
    if (!id || !answer) return;
    setText('');
    if (!(await desk.answer(id, { text: answer }))) setText((now) => now || answer);
  };
  const onInput = (value: string) => {
    setText(value);
    if (!id || !value.trim()) return;
    desk.pick(id);
    desk.typing(id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    void send();
  };
  return (
    <div class="answer">
      <textarea
        rows={2}
        value={text}
        disabled={!id}
        aria-label="Answer the customer"
        placeholder={id ? 'Answer as Mia…' : 'Nobody to answer yet'}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="answer-row">
        <Tools desk={desk} id={id} />
        <button type="button" class="primary" disabled={!id || !text.trim()} onClick={() => void send()}>
          Send
          <SendIcon />
        </button>
      </div>
    </div>
  );
}

function Tools({ desk, id }: { desk: Desk; id: string | undefined }): VNode {
  const picker = useRef<HTMLInputElement>(null);
  const ask = () => {
    const options = ['Starter', 'Team', 'Enterprise'].map((label) => ({ id: label.toLowerCase(), label }));
    if (id) void desk.answer(id, { parts: [{ type: 'choices', text: 'Which plan are you on?', options }] });
  };
  return (
    <>
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
    </>
  );
}
