import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';
import { asDatabaseError, DatabaseUnavailable, isTransient } from './errors.js';

const coded = (code: string): Error => Object.assign(new Error(`state ${code}`), { code });

describe('what an error of the database means', () => {
  it.each(['08006', '57P01', '57P03', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'])(
    '%s: unavailable',
    (code) => {
      expect(asDatabaseError(coded(code))).toBeInstanceOf(DatabaseUnavailable);
      expect(isTransient(coded(code))).toBe(true);
    },
  );

  it.each(['40001', '40P01', '55P03', '57014', '53100', '25006'])(
    '%s: try again, though the connection is well',
    (code) => {
      const error = coded(code);
      expect(asDatabaseError(error)).toBe(error);
      expect(isTransient(error)).toBe(true);
    },
  );

  it.each(['23505', '22P02', '42P01', '57P06'])('%s: trying again does not help', (code) => {
    const error = coded(code);
    expect(asDatabaseError(error)).toBe(error);
    expect(isTransient(error)).toBe(false);
  });

  it.each([
    'Connection terminated unexpectedly',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
  ])('the driver says "%s": unavailable', (message) => {
    expect(asDatabaseError(new Error(message))).toBeInstanceOf(DatabaseUnavailable);
  });

  it('looks into the wrapper of TypeORM and into causes', () => {
    expect(isTransient(new QueryFailedError('select 1', [], coded('40P01')))).toBe(true);
    expect(isTransient(new Error('outer', { cause: coded('53100') }))).toBe(true);
    expect(isTransient(new QueryFailedError('select 1', [], coded('23505')))).toBe(false);
  });

  it('keeps the cause, wraps once, and takes anything', () => {
    const cause = coded('ECONNREFUSED');
    const wrapped = asDatabaseError(cause);
    expect(wrapped).toMatchObject({ name: 'DatabaseUnavailable', cause });
    expect(asDatabaseError(wrapped)).toBe(wrapped);
    expect([undefined, null, 'x', 7].map(isTransient)).toEqual([false, false, false, false]);
  });
});
