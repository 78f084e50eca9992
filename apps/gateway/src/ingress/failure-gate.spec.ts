import { describe, expect, it } from '@jest/globals';
import { FailureGate } from './failure-gate.js';

/** Two processes that hear each other. */
function processes(perMinute: number): [FailureGate, FailureGate] {
  const listeners = new Map<string, ((payload: string) => void)[]>();
  const database = {
    hint: (channel: string, payload = '') => listeners.get(channel)?.forEach((listener) => listener(payload)),
    onHint: (channel: string, listener: (payload: string) => void) => {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener]);
      return () => undefined;
    },
  };
  const gate = () => new FailureGate(perMinute, () => 1_000, database);
  return [gate(), gate()];
}

describe('the gate of several processes', () => {
  it('is closed in all of them to whom one has seen failing', () => {
    const [one, other] = processes(16);
    for (let i = 0; i < 16; i += 1) one.failed('app 192.0.2.1');
    expect(other.closed('app 192.0.2.1')).toBe(true);
    expect(other.closed('app 192.0.2.2')).toBe(false);
  });

  it('stays open in all of them to whom one has seen something genuine of', () => {
    const [one, other] = processes(16);
    one.succeeded('app 192.0.2.1');
    for (let i = 0; i < 100; i += 1) other.failed('app 192.0.2.1');
    expect([one, other].map((gate) => gate.closed('app 192.0.2.1'))).toEqual([false, false]);
  });
});
