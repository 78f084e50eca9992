import type { VNode } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { ConversationPane } from './conversation.js';
import type { Desk } from './desk.js';
import { Facts } from './facts.js';
import {
  CodeIcon,
  HookIcon,
  LockIcon,
  Mark,
  MessageIcon,
  PlusIcon,
  ReloadIcon,
  ReplyIcon,
  StoreIcon,
} from './icons.js';
import { Stream } from './stream.js';

type Tab = 'customer' | 'conversation' | 'stream';
const TABS: readonly [Tab, string][] = [
  ['customer', 'Customer'],
  ['conversation', 'Helpdesk'],
  ['stream', 'Stream'],
];

export function Page({ desk }: { desk: Desk }): VNode {
  const [, render] = useReducer((n: number) => n + 1, 0);
  useEffect(() => desk.watch(() => render(0 as never)), [desk]);
  const [tab, setTab] = useState<Tab>('customer');
  return (
    <>
      <TopBar connected={desk.state.connected} />
      <Journey desk={desk} />
      <Tabs desk={desk} tab={tab} setTab={setTab} />
      <main class={`stage show-${tab}`}>
        <Customer desk={desk} />
        <section class="window helpdesk" aria-label="What your helpdesk sees">
          <ConversationPane desk={desk} />
          <div class="side">
            <Facts ticket={desk.ticket} />
            <Stream events={desk.state.events} />
          </div>
        </section>
      </main>
    </>
  );
}

function TopBar({ connected }: { connected: boolean }): VNode {
  return (
    <header class="top">
      <h1>
        <Mark />
        Tributary
        <span class="tag">Live demo</span>
      </h1>
      <p class={`link-state ${connected ? 'on' : ''}`} role="status">
        <i aria-hidden="true" />
        {connected ? 'Stream connected' : 'Connecting to the stream…'}
      </p>
      <nav aria-label="Documentation">
        <a href="/docs">API reference</a>
        <a href="/asyncapi.json">AsyncAPI</a>
        <a href="/openapi.json">OpenAPI</a>
      </nav>
    </header>
  );
}

/** The way of a message, whose steps light up as the stream tells of them. */
function Journey({ desk }: { desk: Desk }): VNode {
  const latest = desk.state.events[0]?.event;
  const inbound = latest?.type === 'message.received';
  const outbound = latest !== undefined && /^message\.(queued|sent|delivered|read)$/.test(latest.type);
  const beat = (active: boolean) => (active ? { key: latest?.id, class: 'lit' } : { key: 'still', class: '' });
  const steps = [
    { icon: <MessageIcon />, title: 'A customer writes', text: 'in the chat on your page', ...beat(inbound) },
    { icon: <StoreIcon />, title: 'The gateway commits', text: 'in one transaction', ...beat(inbound) },
    { icon: <HookIcon />, title: 'A signed webhook', text: 'tells your helpdesk, in order', ...beat(inbound) },
    { icon: <CodeIcon />, title: 'Your agent answers', text: 'with one API call', ...beat(outbound) },
    { icon: <ReplyIcon />, title: 'The customer reads', text: 'and you see the receipts', ...beat(outbound) },
  ];
  return (
    <section aria-label="The way of a message">
      <ol class="journey" tabIndex={0}>
        {steps.map(({ icon, title, text, key, class: lit }, at) => (
          <li key={`${at}:${key}`} class={lit} style={{ '--at': String(at % 3) }}>
            <span class="step-icon">{icon}</span>
            <span>
              <b>{title}</b>
              <small>{text}</small>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** On phones one side is seen at a time; a dot tells that a message has come to the other one. */
function Tabs({ desk, tab, setTab }: { desk: Desk; tab: Tab; setTab(tab: Tab): void }): VNode {
  const newest = (type: string) => desk.state.events.find(({ event }) => event.type === type)?.event.id;
  const news = { customer: newest('message.queued'), conversation: newest('message.received'), stream: undefined };
  const seen = useRef<Partial<Record<Tab, string>>>({});
  seen.current[tab] = news[tab];
  return (
    <nav class="tabs" aria-label="View">
      {TABS.map(([id, label]) => (
        <button key={id} type="button" aria-pressed={tab === id} onClick={() => setTab(id)}>
          {label}
          {news[id] !== seen.current[id] && <i class="news" role="img" aria-label="new messages" />}
        </button>
      ))}
    </nav>
  );
}

/** The customer's page in a frame of its own, with the widget embedded by its real script tag. */
function Customer({ desk }: { desk: Desk }): VNode {
  const frame = useRef<HTMLIFrameElement>(null);
  const newVisitor = () => {
    const { Tributary } = frame.current!.contentWindow as Window & { Tributary?: (command: string) => void };
    Tributary?.('shutdown');
    Tributary?.('open');
    desk.pick(null);
  };
  return (
    <section class="window customer" aria-label="What your customer sees">
      <div class="bar">
        <span class="lights" aria-hidden="true">
          <i />
          <i />
          <i />
        </span>
        <span class="address">
          <LockIcon />
          ledgerly.example
        </span>
        <button type="button" onClick={() => frame.current!.contentWindow!.location.reload()}>
          <ReloadIcon />
          <span>Reload</span>
        </button>
        <button type="button" onClick={newVisitor}>
          <PlusIcon />
          <span>New visitor</span>
        </button>
      </div>
      <iframe ref={frame} src="/demo/shop" title="A customer's page with the chat widget" />
    </section>
  );
}
