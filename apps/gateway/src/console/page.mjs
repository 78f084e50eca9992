const part = (id) => document.getElementById(id);
const conversation = `conversations/${location.pathname.split('/').at(-1)}`;
const kept = 'tributary-console-key';
let first;

async function read(path) {
  const headers = { authorization: `Bearer ${part('key').value.trim()}` };
  const answer = await fetch(`/v1/${path}`, { headers });
  const said = await answer.json();
  if (answer.ok) return said;
  throw new Error(answer.status === 401 ? 'This key is not known.' : (said.detail ?? said.title));
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const time = (iso) => new Date(iso).toLocaleString();

function showConversation({ subject, status, priority, queue, threads, references }, contact) {
  part('title').textContent = subject ?? contact?.name ?? 'Conversation';
  const facts = [
    ['Customer', contact?.name ?? contact?.handles?.map(({ value }) => value).join(', ')],
    ['Status', status],
    ['Priority', priority],
    ['Queue', queue],
    ['Channels', threads.map(({ channel, accountId }) => `${channel} (${accountId})`).join(', ')],
    ['Tickets', references.map(({ destinationId, ticketId }) => `${destinationId} ${ticketId}`).join(', ')],
  ];
  part('facts').replaceChildren(
    ...facts.flatMap(([name, value]) => (value ? [element('dt', name), element('dd', value)] : [])),
  );
}

function files({ parts }) {
  return parts.flatMap((one) => {
    if (one.type !== 'media' || !one.url) return [];
    const link = element('a', one.name ?? one.kind);
    Object.assign(link, { href: one.url, rel: 'noreferrer', target: '_blank' });
    return [link];
  });
}

function line(message) {
  const { direction, author, text, status, failure, occurredAt } = message;
  const item = element('li', '', direction);
  const who = author.name ?? (direction === 'inbound' ? 'Customer' : author.kind);
  item.append(element('header', `${who} · ${time(occurredAt)}`), element('p', text), ...files(message));
  if (direction === 'outbound') item.append(element('footer', failure ? `${status}: ${failure.message}` : status));
  return item;
}

async function showMessages() {
  const { items } = await read(`${conversation}/messages?limit=50&before=${first ?? 2 ** 31 - 1}`);
  part('messages').prepend(...items.map(line));
  first = items[0]?.sequence ?? 1;
  part('earlier').hidden = first <= 1;
}

async function open() {
  part('problem').textContent = '';
  try {
    const found = await read(conversation);
    // A key may see conversations and not contacts.
    showConversation(found, await read(`contacts/${found.contactId}`).catch(() => undefined));
    part('messages').replaceChildren();
    first = undefined;
    await showMessages();
    sessionStorage.setItem(kept, part('key').value.trim());
    document.querySelector('main').hidden = false;
    part('asked').hidden = true;
  } catch (error) {
    sessionStorage.removeItem(kept);
    part('problem').textContent = error.message;
  }
}

part('asked').addEventListener('submit', (event) => {
  event.preventDefault();
  void open();
});
part('earlier').addEventListener('click', () => void showMessages());
part('key').value = sessionStorage.getItem(kept) ?? '';
if (part('key').value) void open();
