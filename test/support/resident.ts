import { readFile } from 'node:fs/promises';

/** Resident memory of a process, in MiB. @throws Error if there is no such process */
export async function residentMiB(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no resident set`);
  return Number(kib) / 1024;
}
