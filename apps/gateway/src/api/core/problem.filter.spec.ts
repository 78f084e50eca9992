import { describe, expect, it, jest } from '@jest/globals';
import { DatabaseUnavailable } from '#database';
import type { ArgumentsHost } from '@nestjs/common';
import { pino } from 'pino';
import { Refusal } from './problem.js';
import { ProblemFilter } from './problem.filter.js';

/** Levels and texts that are logged for an error of `GET /x`. */
function logged(error: unknown): [string, string][] {
  const lines: [string, string][] = [];
  const log = pino({}, { write: (line: string) => void lines.push(levelAndText(line)) });
  const reply = { raw: {}, header: jest.fn(), status: () => ({ header: () => ({ send: jest.fn() }) }) };
  const http = { getRequest: () => ({ method: 'GET', routeOptions: { url: '/x' } }), getResponse: () => reply };
  new ProblemFilter(log).catch(error, { switchToHttp: () => http } as unknown as ArgumentsHost);
  return lines;
}

function levelAndText(line: string): [string, string] {
  const { level, msg } = JSON.parse(line) as { level: number; msg: string };
  return [pino.levels.labels[level]!, msg];
}

describe('the log of refused requests', () => {
  it('warns of what is not ready, and keeps errors for what broke', () => {
    expect(logged(new Refusal('unavailable', 'the relay is not running'))).toEqual([
      ['warn', 'the relay is not running'],
    ]);
    expect(logged(new DatabaseUnavailable('gone'))).toEqual([
      ['error', expect.stringContaining('the database cannot take this now')],
    ]);
    expect(logged(new TypeError('broken'))).toEqual([['error', 'an unexpected error; the log has its details']]);
  });

  it('is silent about what the caller got wrong', () => {
    expect(logged(new Refusal('not-found', 'nothing here'))).toEqual([]);
  });
});
