import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatState } from '../engine/store.js';
import { Avatar } from './avatar.js';
import { useChrome, useStore } from './chrome.js';
import { date, daysAgo } from './format.js';
import { ClipIcon, ClockIcon, DownIcon } from './icons.js';
import { itemsOf, rowsOf, type Row } from './layout.js';
import { Message } from './message.js';

/** Closer than this to the end counts as being at the end, px. */
const NEAR = 60;

export function Log({ chat }: { chat: ChatState }): VNode {
  const { client, panel, settings, t } = useChrome();
  const { divider } = useStore(panel);
  const loading = chat.identifying || (!chat.caughtUp && chat.returning && chat.messages.length === 0);
  const items = chat.identifying ? [] : itemsOf(chat);
  const rows = rowsOf(items, divider);
  const { log, content, away, onScroll, toEnd } = useScroll(rows);
  return (
    <div class="log-frame">
      <div ref={log} class="log" role="log" tabIndex={0} aria-label={t.log} aria-busy={loading} onScroll={onScroll}>
        <div ref={content} class="log-content">
          {loading ? (
            <Skeleton />
          ) : (
            items.length === 0 && <Greeting words={settings.greeting ?? chat.greeting ?? t.greeting} />
          )}
          {!loading && chat.earlier && (
            <button type="button" class="earlier" onClick={() => client.showEarlier()}>
              {t.earlier}
            </button>
          )}
          {rows.map((row) => (row.kind === 'item' ? <Message {...row} items={items} /> : <Separator row={row} />))}
          {chat.typing && !chat.identifying && (
            <div class="line theirs typing" aria-hidden="true">
              <Avatar name={chat.typing.name} />
              <span class="bubble dots">
                <i />
                <i />
                <i />
              </span>
            </div>
          )}
        </div>
      </div>
      <div class="sr" role="status">
        {chat.typing && t.typing(chat.typing.name ?? t.team)}
      </div>
      {away && (
        <button type="button" class="jump" onClick={toEnd}>
          {t.jump}
          <DownIcon />
        </button>
      )}
    </div>
  );
}

function Separator({ row }: { row: Exclude<Row, { kind: 'item' }> }): VNode {
  const { t } = useChrome();
  if (row.kind === 'unread') {
    return (
      <div key={row.key} class="separator unread">
        <span>{t.unread}</span>
      </div>
    );
  }
  const now = Date.now();
  const ago = daysAgo(row.at, now);
  return (
    <div key={row.key} class="separator">
      <span>{ago === 0 ? t.today : ago === 1 ? t.yesterday : date(row.at, t.lang, now)}</span>
    </div>
  );
}

function Greeting({ words }: { words: string }): VNode {
  const { t } = useChrome();
  return (
    <div class="greeting">
      <p class="hello">{words}</p>
      <p>{t.invitation}</p>
      <ul>
        <li>
          <ClipIcon />
          {t.hintFiles}
        </li>
        <li>
          <ClockIcon />
          {t.hintHistory}
        </li>
      </ul>
    </div>
  );
}

function Skeleton(): VNode {
  const { t } = useChrome();
  const widths = [62, 44, 70, 38];
  return (
    <div class="skeleton">
      <span class="sr">{t.loading}</span>
      {widths.map((width, at) => (
        <i key={at} class={at === 2 ? 'mine' : ''} style={{ width: `${width}%` }} aria-hidden="true" />
      ))}
    </div>
  );
}

/** Keeps the end in view while a person is there; keeps the place while they read further up. */
function useScroll(rows: readonly Row[]) {
  const { panel } = useChrome();
  const { open } = useStore(panel);
  const log = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const state = useRef({ atEnd: true, height: 0, newest: '', oldest: '' });
  const [away, setAway] = useState(false);
  const items = rows.filter((row) => row.kind === 'item');
  const newest = items[items.length - 1];
  const oldest = items[0]?.key ?? '';

  const toEnd = () => log.current!.scrollTo({ top: log.current!.scrollHeight });
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = log.current!;
    state.current.atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (state.current.atEnd) setAway(false);
  };
  useLayoutEffect(() => {
    const was = state.current;
    const element = log.current!;
    const arrived = newest !== undefined && newest.key !== was.newest;
    if (arrived && newest.item.from === 'me' && newest.item.outgoing) was.atEnd = true;
    if (was.oldest && oldest !== was.oldest && !was.atEnd) element.scrollTop += element.scrollHeight - was.height;
    if (was.atEnd) toEnd();
    else if (arrived && was.newest) setAway(true);
    state.current = { atEnd: was.atEnd, height: element.scrollHeight, newest: newest?.key ?? '', oldest };
  }, [newest?.key, oldest, rows.length]);
  useLayoutEffect(() => {
    if (!open) return;
    const unread = content.current!.querySelector<HTMLElement>('.separator.unread');
    toEnd();
    if (unread) log.current!.scrollTop = Math.min(log.current!.scrollTop, unread.offsetTop - 48);
  }, [open]);
  useEffect(() => {
    const observer = new ResizeObserver(() => state.current.atEnd && toEnd());
    observer.observe(content.current!);
    observer.observe(log.current!);
    return () => observer.disconnect();
  }, []);
  return { log, content, away, onScroll, toEnd };
}
