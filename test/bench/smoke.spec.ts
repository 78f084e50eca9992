import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresMissing } from '../../libs/database/src/testing/postgres-suite.js';
import { redisMissing } from './parts/redis.js';
import { goalRows, isMet, median, quantile, spread, type Goal, type Report } from './parts/report.js';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'test', 'bench', 'main.js');
const OURS = 'Tributary';
const EMBEDDED = 'Tributary, embedded';
const FORWARD = 'Fastify + INSERT + POST';

/** Each bench at its smallest: what the figures are is nobody's business here. */
describe('benches', () => {
  const onPostgres = postgresMissing() === undefined;
  let folder = '';
  let markdown = '';
  let reports: Record<string, Report> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-smoke-'));
    const [json, page] = [join(folder, 'all.json'), join(folder, 'all.md')];
    const words = [MAIN, '--size', 'smoke', '--json', json, '--markdown', page];
    await new Promise<void>((done, failed) => {
      execFile(process.execPath, words, (error) => (error ? failed(error) : done()));
    });
    ({ reports } = JSON.parse(await readFile(json, 'utf8')) as { reports: Record<string, Report> });
    markdown = await readFile(page, 'utf8');
  }, 400_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const firstColumn = (name: string): string[][] =>
    reports[name]!.tables.map(({ rows }) => rows.map((row) => String(Object.values(row)[0])));

  it('all end, and nothing was refused, missing, doubled or out of order in any', () => {
    const names = [
      'intake',
      'latency',
      'drain',
      'statements',
      'outbound',
      'chat',
      'trouble',
      'growth',
      'processes',
      'text',
      'mail',
    ];
    expect(Object.keys(reports)).toEqual(names);
    const ours = Object.values(reports).flatMap(({ goals }) =>
      goals.filter(({ what }) => /refused|missing|not held/.test(what)),
    );
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((goal) => !isMet(goal))).toEqual([]);
  });

  (onPostgres ? it : it.skip)('have a row for each server and state', () => {
    expect(firstColumn('intake')).toEqual([
      [EMBEDDED, 'Fastify + INSERT', OURS],
      ['Fastify + CTE', OURS],
    ]);
    expect(firstColumn('latency')).toEqual([[FORWARD, OURS]]);
    const bull = redisMissing() ? [] : ['BullMQ (in no order)'];
    expect(firstColumn('drain')).toEqual([[OURS, ...bull, 'graphile-worker (a queue per conversation)']]);
    expect(firstColumn('outbound')).toEqual([[FORWARD, OURS], [OURS]]);
    expect(firstColumn('chat')).toEqual([['bare ws', OURS]]);
    const pair = ['undisturbed', 'beside the stuck ones'];
    expect(firstColumn('trouble')).toEqual([pair, ['before', 'under the snapshot'], ['60']]);
    expect(firstColumn('growth')).toEqual([['20', '60']]);
    expect(firstColumn('processes')).toEqual([['1 process', '2 processes']]);
  });

  (onPostgres ? it : it.skip)('count statements of both halves', () => {
    const [, halves, frequent] = firstColumn('statements');
    expect(halves).toEqual(['taken in', 'delivered']);
    expect(frequent).toContain('taken in');
    expect(frequent).toContain('delivered');
  });

  it('write a page whose tables are those of the reports', () => {
    const tables = Object.values(reports).flatMap(({ tables: all, goals }) => [
      ...all,
      ...(goals.length > 0 ? [goals] : []),
    ]);
    expect(markdown.match(/^\|( --- \|)+$/gm)).toHaveLength(tables.length);
    expect(markdown).toMatch(/^- node: v/m);
  });
});

describe('reports', () => {
  const goal: Goal = { what: 'ratio', wanted: 1.3, better: 'more', measured: [1.2, 1.6, 1.4] };

  it('judge a goal by the median of its rounds, and show the spread', () => {
    expect(isMet(goal)).toBe(true);
    expect(isMet({ ...goal, measured: [1.2, 1.6, 1.25] })).toBe(false);
    expect(isMet({ ...goal, better: 'less', wanted: 1.4 })).toBe(true);
    expect(goalRows([goal])).toEqual([
      { goal: 'ratio', wanted: '>= 1.3', 'median (lowest to highest)': '1.40 (1.20 to 1.60)', met: 'yes' },
    ]);
  });

  it('a goal that was not measured is not met', () => {
    expect(isMet({ ...goal, measured: [] })).toBe(false);
    expect(isMet({ ...goal, better: 'less', measured: [NaN] })).toBe(false);
    expect(spread([])).toBe('not measured');
  });

  it('know medians and quantiles', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
    expect([quantile([5, 1, 4, 2, 3], 0.5), quantile([1, 2], 0.99)]).toEqual([3, 2]);
  });
});
