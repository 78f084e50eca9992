import { builtinAdapters, type Capabilities } from '#channels';
import { settingsReference } from '#config';
import { builtinConnectors } from '#helpdesk';
import { builtinCrms } from '#identity';
import { describeSettings, type SettingField } from '#normalizer';
import { referenceFiles } from '../apps/gateway/src/api/reference/documents.js';

/** Every generated page below `docs/reference`, by its path there. A test compares them with the files. */
export function references(): Record<string, string> {
  return { ...referenceFiles(), 'settings.md': settingsReference(), 'channels.md': channelsPage() };
}

function channelsPage(): string {
  return [
    '# Channels, connectors and CRMs',
    '',
    'Generated from the capabilities and settings that the code declares; the conformance suites prove them.',
    '',
    '## Channels',
    '',
    table(
      ['', ...builtinAdapters.map(({ type }) => `\`${type}\``)],
      ROWS.map(([name, cell]) => [name, ...builtinAdapters.map(({ capabilities }) => cell(capabilities))]),
    ),
    '',
    ...builtinAdapters.flatMap(({ type, title, notice, config }) => [
      `### ${title} (\`${type}\`)`,
      '',
      ...(notice ? [`**${notice}**`, ''] : []),
      settings(describeSettings(config)),
      '',
    ]),
    '## Connectors',
    '',
    table(
      ['connector', 'takes', 'events per call', 'answers come by'],
      builtinConnectors.map(({ type, capabilities }) => [
        `\`${type}\``,
        capabilities.kind === 'stream' ? 'every event as it is' : 'tickets',
        String(capabilities.batch),
        capabilities.replies.join(', '),
      ]),
    ),
    '',
    ...builtinConnectors.flatMap(({ type, title, config }) => [
      `### ${title} (\`${type}\`)`,
      '',
      settings(describeSettings(config)),
      '',
    ]),
    '## CRMs',
    '',
    ...builtinCrms.flatMap(({ type, title, config }) => [
      `### ${title} (\`${type}\`)`,
      '',
      settings(describeSettings(config)),
      '',
    ]),
  ].join('\n');
}

const ROWS: readonly (readonly [string, (capabilities: Capabilities) => string])[] = [
  ['text', ({ text }) => `${text.max.toLocaleString('en')} ${text.unit}, at most ${text.maxUnits} messages`],
  ['choices', ({ choices }) => choices.level + (choices.maxOptions ? `, up to ${choices.maxOptions}` : '')],
  ['html', ({ html }) => html],
  ['markdown', ({ markdown }) => markdown],
  ['location', ({ location }) => location],
  ['contact card', ({ contactCard }) => contactCard],
  ['link', ({ link }) => link],
  ['card', ({ card }) => card],
  ['template', ({ template }) => template],
  ['reply-to', ({ replyTo }) => replyTo],
  ['subject of its own', ({ subject }) => (subject ? 'yes' : 'no')],
  [
    'answers of bots',
    ({ automaticPerHour }) => (automaticPerHour ? `${automaticPerHour} an hour to one person` : 'any'),
  ],
  [
    'media',
    ({ media }) =>
      list(Object.entries(media).map(([kind, rule]) => `${kind} to ${Math.round(rule.maxBytes / 2 ** 20)} MiB`)),
  ],
  ['receipts', ({ receipts }) => list(receipts)],
  [
    'typing',
    ({ typing, inbound }) =>
      list([...(typing ? ['shown to the customer'] : []), ...(inbound.typing ? ['seen by the helpdesk'] : [])]),
  ],
  [
    'reply window',
    ({ window }) => (window ? `${window.hours} h${window.messages ? `, ${window.messages} messages` : ''}` : 'none'),
  ],
  ['can write first to', ({ initiate }) => list(initiate)],
  ['idempotent sending', ({ idempotentSend }) => (idempotentSend ? 'yes' : 'no')],
];

function settings(fields: readonly SettingField[]): string {
  const rows = fields.map(({ name, type, required, default: preset, description, secret }) => [
    `\`${name}\``,
    type,
    required ? 'required' : preset === undefined ? '' : `\`${JSON.stringify(preset)}\``,
    `${description ?? ''}${secret ? ' (secret)' : ''}`,
  ]);
  return table(['setting', 'type', 'default', 'meaning'], rows);
}

const list = (items: readonly string[]): string => (items.length > 0 ? items.join(', ') : 'none');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
