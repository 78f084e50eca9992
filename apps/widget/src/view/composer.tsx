import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatState } from '../engine/store.js';
import { MAX_MESSAGE_BYTES } from '../engine/wire.js';
import type { Attachments } from './attachments.js';
import { useChrome, useStore } from './chrome.js';
import { size } from './format.js';
import { ClipIcon, CloseIcon, FileIcon, SendIcon } from './icons.js';

interface ComposerProps {
  chat: ChatState;
  attachments: Attachments;
  sheet: boolean;
}

export function Composer({ chat, attachments, sheet }: ComposerProps): VNode {
  const { t } = useChrome();
  const { text, type, box, send, over, sendable, disabled } = useDraft(chat, attachments);
  useFocusOnRequest(box, sheet);
  const onKeyDown = (event: KeyboardEvent) => {
    // 229: a key that an input method is still working on.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    attachments.add(pasted);
  };
  const problem = over > 0 ? t.tooLong(over) : attachments.problem;

  return (
    <div class="composer">
      <div role="alert">{problem && <p class="problem">{problem}</p>}</div>
      <div class="field">
        <Tray attachments={attachments} />
        <div class="field-row">
          <Picker chat={chat} disabled={disabled} add={attachments.add} />
          <textarea
            ref={box}
            rows={1}
            value={text}
            disabled={disabled}
            aria-label={t.box}
            placeholder={t.placeholder}
            enterkeyhint="send"
            onInput={(event) => type(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
          />
          <button type="button" class="send" aria-label={t.send} disabled={!sendable} onClick={send}>
            <SendIcon />
          </button>
        </div>
      </div>
    </div>
  );
}

/** The text being written, in a box that grows with it, and what sending it takes. */
function useDraft(chat: ChatState, { files, clear }: Attachments) {
  const { client, panel } = useChrome();
  const [text, setText] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  const over = excess(text, chat.limits?.text);
  const disabled = chat.phase === 'refused';
  const sendable = !disabled && over === 0 && (text.trim() !== '' || files.length > 0);

  useLayoutEffect(() => {
    const { style } = box.current!;
    style.height = 'auto';
    style.height = `${box.current!.scrollHeight}px`;
  }, [text]);
  const type = (value: string) => {
    setText(value);
    client.typed(value.trim());
  };
  const send = () => {
    if (!sendable) return;
    const trimmed = text.trim();
    client.send(trimmed ? [{ type: 'text', text: trimmed }] : [], files);
    panel.update({ divider: null });
    setText('');
    clear();
    box.current!.focus();
  };
  return { text, type, box, send, over, sendable, disabled };
}

/** Puts the focus into the box when the panel was opened by hand; on touch screens on the panel, so that no keyboard covers it. */
function useFocusOnRequest(box: { current: HTMLTextAreaElement | null }, sheet: boolean): void {
  const { focus } = useStore(useChrome().panel);
  useEffect(() => {
    if (focus?.on !== 'box') return;
    const touch = sheet && matchMedia('(pointer: coarse)').matches;
    const target = touch ? box.current?.closest<HTMLElement>('.panel') : box.current;
    target?.focus({ preventScroll: true });
  }, [focus]);
}

function Picker({ chat, disabled, add }: { chat: ChatState; disabled: boolean; add(files: File[]): void }): VNode {
  const { t } = useChrome();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="round"
        aria-label={t.attach}
        disabled={disabled}
        onClick={() => input.current!.click()}
      >
        <ClipIcon />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t.attach}
        accept={chat.limits?.mimeTypes.join(',') || undefined}
        onChange={(event) => {
          add([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
    </>
  );
}

function Tray({ attachments: { files, remove } }: { attachments: Attachments }): VNode | null {
  const { t } = useChrome();
  if (files.length === 0) return null;
  return (
    <ul class="tray">
      {files.map((file) => (
        <li key={file} class={file.preview ? 'thumb' : 'chip'}>
          {file.preview ? <img src={file.preview} alt={file.file.name} /> : <FileIcon />}
          {!file.preview && (
            <span class="chip-text">
              <b>{file.file.name}</b>
              <small>{size(file.file.size)}</small>
            </span>
          )}
          <button type="button" aria-label={t.removeFile(file.file.name)} onClick={() => remove(file)}>
            <CloseIcon />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** By how many characters a text exceeds what one message may hold; 0 if it fits. */
function excess(text: string, limit: number = Infinity): number {
  const bytes = text.length * 3 <= MAX_MESSAGE_BYTES ? 0 : new TextEncoder().encode(JSON.stringify(text)).length;
  const byBytes = bytes > MAX_MESSAGE_BYTES ? Math.ceil((bytes - MAX_MESSAGE_BYTES) / 3) : 0;
  return Math.max(0, text.length - limit, byBytes);
}
