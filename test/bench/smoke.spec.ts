import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goalRows, isMet, median, quantile, spread, type Goal, type Report } from './parts/report.js';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'test', 'bench', 'main.js');

/** Tiny sizes: what the figures are is nobody's business here. */
describe('benches', () => {
  let folder = '';
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tributary-smoke-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(name: string): Promise<{ report: Report; printed: string }> {
    const json = join(folder, `${name}.json`);
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, name, '--size', 'smoke', '--json', json]);
    const { reports } = JSON.parse(await readFile(json, 'utf8')) as { reports: Record<string, Report> };
    return { report: reports[name]!, printed: stdout };
  }

  it('intake: every server has a row, and nothing is lost, doubled or out of order', async () => {
    const { report, printed } = await run('intake');
    const names = report.tables.map(({ rows }) => rows.map(({ server }) => server));
    if (report.skipped.length > 0) expect(names).toEqual([['Tributary, embedded']]);
    else {
      expect(names).toEqual([
        ['Tributary, embedded', 'Fastify + INSERT', 'Tributary'],
        ['Fastify + CTE', 'Tributary'],
      ]);
    }
    expect(report.tables.flatMap(({ rows }) => rows.map(({ faults }) => faults))).toEqual(
      names.flat().map(() => 'none'),
    );
    expect(report.goals.every(({ measured }) => measured.every(Number.isFinite))).toBe(true);
    expect(printed).toContain('"node": "v');
    expect(printed).toContain('intake: goals');
  }, 120_000);
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
    expect(spread([])).toBe('not measured');
  });

  it('know medians and quantiles', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
    expect([quantile([5, 1, 4, 2, 3], 0.5), quantile([1, 2], 0.99)]).toEqual([3, 2]);
  });
});
