import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadSettings, SettingsError } from './index.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'routing-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(yaml: string) {
  const file = join(folder, 'tributary.yaml');
  writeFileSync(file, yaml);
  return loadSettings({ env: { TRIBUTARY_CONFIG: file }, channels: {}, connectors: {} });
}

function problems(yaml: string): string[] {
  try {
    load(yaml);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map(({ key, line, expected }) => `${line} ${key}: ${expected}`);
  }
  return [];
}

const office = (more: string) => `routing:\n  hours:\n    office:\n      ${more}`;
const rule = (more: string) => `routing:\n  hours: { office: { zone: UTC, weekly: {} } }\n  rules:\n    - ${more}`;

describe('routing rules in the settings', () => {
  it('are none by default', () => {
    expect(load('').routing).toEqual({ hours: {}, rules: [] });
  });

  it('are taken as they are written', () => {
    const { routing } = load(`routing:
  hours:
    office: { zone: Asia/Shanghai, weekly: { mon: ["09:00-12:00", "22:00-06:00"], sun: ["00:00-24:00"] }, closed: [2026-10-01] }
  rules:
    - { name: VIP, when: { level: [vip] }, set: { priority: urgent, queue: vip, tags: [vip] } }
    - { name: Night, when: { outside: [office], language: [zh] }, set: { queue: night } }
    - { name: Rest, set: { queue: rest } }
`);
    expect(routing.hours['office']).toEqual({
      zone: 'Asia/Shanghai',
      weekly: { mon: ['09:00-12:00', '22:00-06:00'], sun: ['00:00-24:00'] },
      closed: ['2026-10-01'],
    });
    expect(routing.rules.map(({ name, when }) => [name, when])).toEqual([
      ['VIP', { level: ['vip'] }],
      ['Night', { outside: ['office'], language: ['zh'] }],
      ['Rest', {}],
    ]);
  });

  it.each<[string, string, string]>([
    [
      'a zone that does not exist',
      office('zone: Asia/Shangai\n      weekly: {}'),
      '4 routing.hours.office.zone: expected the name of a time zone such as Asia/Shanghai, Europe/Berlin or UTC',
    ],
    [
      'a zone by a short name, which the database takes for another',
      office('zone: CET\n      weekly: {}'),
      '4 routing.hours.office.zone: expected the name of a time zone such as Asia/Shanghai, Europe/Berlin or UTC',
    ],
    [
      'an offset, which the database counts the other way round',
      office('zone: "+08:00"\n      weekly: {}'),
      '4 routing.hours.office.zone: expected the name of a time zone such as Asia/Shanghai, Europe/Berlin or UTC',
    ],
    [
      'a time that is none',
      office('zone: UTC\n      weekly: { mon: ["9-18"] }'),
      '5 routing.hours.office.weekly.mon[0]: expected a time from and to, such as 09:00-18:00 or 22:00-06:00',
    ],
    [
      'the same time twice',
      office('zone: UTC\n      weekly: { mon: ["09:00-09:00"] }'),
      '5 routing.hours.office.weekly.mon[0]: expected two different times; a whole day is 00:00-24:00',
    ],
    [
      'a day that is none',
      office('zone: UTC\n      weekly: { monday: [] }'),
      '5 routing.hours.office.weekly.monday: is not a known key',
    ],
    [
      'a date that is none',
      office('zone: UTC\n      weekly: {}\n      closed: ["2026-02-30"]'),
      '6 routing.hours.office.closed[0]: expected a day such as 2026-10-01',
    ],
    [
      'hours that do not exist',
      rule('{ name: a, when: { outside: [ofice] }, set: {} }'),
      '4 routing.rules[0].when.outside[0]: expected hours that exist; "ofice" does not; did you mean "office"? (known: office)',
    ],
    [
      'hours named like a member of every object',
      rule('{ name: a, when: { during: [constructor] }, set: {} }'),
      '4 routing.rules[0].when.during[0]: expected hours that exist; "constructor" does not (known: office)',
    ],
    [
      'a condition that does not exist',
      rule('{ name: a, when: { levle: [vip] }, set: {} }'),
      '4 routing.rules[0].when.levle: is not a known key; did you mean "level"?',
    ],
    [
      'a language with its region',
      rule('{ name: a, when: { language: [zh-CN] }, set: {} }'),
      '4 routing.rules[0].when.language[0]: expected a language without its region, such as zh or en',
    ],
    [
      'a priority that does not exist',
      rule('{ name: a, set: { priority: urgnt } }'),
      '4 routing.rules[0].set.priority: expected one of low, normal, high, urgent; did you mean "urgent"?',
    ],
    [
      'the same name twice',
      rule('{ name: a, set: {} }\n    - { name: a, set: {} }'),
      '5 routing.rules[1].name: expected a name of its own; rules[0] has the same',
    ],
    [
      'a condition that is no list',
      rule('{ name: a, when: { level: vip }, set: {} }'),
      '4 routing.rules[0].when.level: expected a list; found a text',
    ],
  ])('stop the start for %s', (_, yaml, expected) => {
    expect(problems(yaml)).toEqual([expected]);
  });
});
