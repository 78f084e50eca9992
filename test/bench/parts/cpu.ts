import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = existsSync('/proc/self/stat')
  ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  : 0;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** Processor time in microseconds that a process and all its children, living and ended, have used so far; NaN where there is no /proc. */
export function cpuMicros(root: number): number {
  if (ticksPerSecond === 0) return NaN;
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const stats = all.map((name) => stat(Number(name))).filter((found) => found !== undefined);
  const children = byParent(stats);
  const sum = (pid: number, own: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child.pid, child.ticks), own);
  return (sum(root, stat(root)?.ticks ?? NaN) / ticksPerSecond) * 1e6;
}

/** Resident memory in MiB; NaN where there is no /proc. */
export function residentMiB(pid: number): number {
  if (ticksPerSecond === 0) return NaN;
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1_024;
}

/** The process that started this one. */
export const parentOf = (pid: number): number => stat(pid)?.parent ?? NaN;

/** utime, stime, cutime and cstime; the last two hold what ended children used. */
function stat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((total, value) => total + Number(value), 0);
    return { pid, parent: Number(fields[1]), ticks };
  } catch {
    return undefined;
  }
}

function byParent(stats: readonly Stat[]): Map<number, Stat[]> {
  const groups = new Map<number, Stat[]>();
  for (const one of stats) groups.set(one.parent, [...(groups.get(one.parent) ?? []), one]);
  return groups;
}
