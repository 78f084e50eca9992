const part = (id) => document.getElementById(id);
const [key, channel, account, recorded, file, request, config, reply] = [
  'key',
  'channel',
  'account',
  'recorded',
  'file',
  'request',
  'config',
  'reply',
].map(part);
const pretty = (value) => JSON.stringify(value, null, 2);
let known = [];

async function call(path, body) {
  const answer = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key.value.trim()}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const said = await answer.json();
  if (answer.ok) return said;
  const faults = (said.errors ?? []).map(({ path: where, message }) => `${where} ${message}`);
  throw new Error([said.detail ?? said.title, ...faults].join('; '));
}

/** Runs what a person asked for, and tells them what went wrong. */
async function trying(work) {
  part('problem').textContent = '';
  try {
    await work();
  } catch (error) {
    part('problem').textContent = error.message;
  }
}

function choices(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

const chosen = () => known.find(({ type }) => type === channel.value);

function showChannel() {
  const { accounts, recorded: list, sample } = chosen();
  choices(account, [...accounts.map((id) => [id, id]), ['', 'none: the settings below']]);
  choices(
    recorded,
    list.map(({ name }, i) => [i, name]),
  );
  config.value = pretty(sample);
  showRecorded();
  part('settings').hidden = account.value !== '';
}

function showRecorded() {
  const found = chosen().recorded[Number(recorded.value)];
  request.value = chosen().called ? pretty(found?.request ?? { json: {} }) : '';
  request.disabled = !chosen().called;
}

function step(title, summary, details) {
  const section = document.createElement('section');
  const [heading, words, text] = ['h2', 'p', 'pre'].map((name) => document.createElement(name));
  heading.textContent = title;
  words.textContent = summary;
  text.textContent = details === undefined ? '' : pretty(details);
  section.append(heading, words, text);
  return section;
}

const VERDICT = {
  accept: () => 'The provider sent it.',
  challenge: ({ reply: { status } }) => `It tests the address, and is answered ${status}.`,
  reject: ({ reason }) => `Not genuine: ${reason}. It is read below all the same, and here alone.`,
};

function place(found) {
  if (found === null || found === undefined) return 'It is live only, and never stored.';
  if (found.duplicate) return 'It was stored before: nothing would come of it.';
  const contact = found.contact
    ? `${found.known.contact ? 'known' : 'new'} contact ${found.contact.name ?? ''}`
    : 'no contact';
  const conversation = found.conversation
    ? `${found.known.conversation ? 'joins a conversation' : 'opens a conversation'}`
    : 'no conversation';
  return `${contact.trim()}, ${conversation}`;
}

function show({ came, reply: answered }) {
  const steps = [];
  if (came) {
    steps.push(step('1. Verification', VERDICT[came.verdict.kind](came.verdict), came.verdict));
    steps.push(
      step(
        '2. Parsed events',
        came.refused ?? `${came.events.length}${came.wakes ? ', and the account is asked at once' : ''}`,
        came.events,
      ),
    );
    const faults = came.normalized.filter((event) => event.faults).length;
    steps.push(
      step('3. Normalized', faults ? `${faults} would be set aside` : 'as the store takes it', came.normalized),
    );
    const { stored } = came;
    const where =
      stored.length > 0
        ? stored.map(place).join('; ')
        : account.value
          ? 'nothing to store'
          : 'Choose an account to see whom it would join.';
    steps.push(
      step(
        '4. Contact and conversation',
        where,
        stored.length > 0 ? stored.map(({ contact, conversation }) => ({ contact, conversation })) : undefined,
      ),
    );
    steps.push(
      step(
        '5. Message',
        'as the stream would tell it',
        stored.map((found) => found?.message),
      ),
    );
  }
  if (answered) {
    const count = answered.units.length;
    steps.push(
      step(
        '6. The answer, by fit()',
        answered.refused ?? `${count} ${count === 1 ? 'message' : 'messages'} of the provider`,
        answered.units,
      ),
    );
  }
  part('steps').replaceChildren(...steps);
}

key.addEventListener('change', () =>
  trying(async () => {
    known = (await call('/v1/playground/channels')).items;
    choices(
      channel,
      known.map(({ type, title }) => [type, title]),
    );
    showChannel();
  }),
);
channel.addEventListener('change', showChannel);
recorded.addEventListener('change', showRecorded);
account.addEventListener('change', () => (part('settings').hidden = account.value !== ''));
file.addEventListener('change', () =>
  trying(async () => (request.value = pretty(JSON.parse(await file.files[0].text())))),
);
part('asked').addEventListener('submit', (event) => {
  event.preventDefault();
  void trying(async () => {
    const own = account.value ? { accountId: account.value } : { config: JSON.parse(config.value || '{}') };
    const came = chosen().called && request.value.trim() ? { request: JSON.parse(request.value) } : {};
    const answer = reply.value.trim() ? { reply: [{ type: 'text', text: reply.value }] } : {};
    show(await call('/v1/playground/examine', { channel: channel.value, ...own, ...came, ...answer }));
  });
});
