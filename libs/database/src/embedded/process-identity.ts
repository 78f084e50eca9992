import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process, so exactly that another one with the same recycled pid is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Boot and start time of the process where /proc tells them, else empty. */
  readonly started: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), started: inspect(process.pid)?.started ?? '' };
}

/** Whether that process of this host still runs. Without /proc, any process with its pid counts as it. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  const found = inspect(pid);
  if (found !== undefined) return !found.dead && (started === '' || found.started === started);
  if (inspect(process.pid) !== undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Fields 3 (state) and 22 (start time) of /proc/[pid]/stat; the name before them may hold spaces and brackets. See proc(5). */
function inspect(pid: number): { readonly started: string; readonly dead: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return { started: `${boot}/${fields[19]}`, dead: fields[0] === 'Z' || fields[0] === 'X' };
  } catch {
    return undefined;
  }
}
