import { setImmediate as nextTurn } from 'node:timers/promises';

/** CPU time that this thread spends in `run`, in milliseconds. Other load on the machine does not count. */
export function cpuTimeOf(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/**
 * The most CPU time, in milliseconds, that this thread spends between two turns of the event loop during `run`: how long other
 * tasks wait, regardless of other load on the machine.
 */
export async function longestTurnOf(run: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    before = process.threadCpuUsage();
  };
  const task = { isDone: false };
  const running = run().finally(() => (task.isDone = true));
  do {
    await nextTurn();
    look();
  } while (!task.isDone);
  await running;
  return longest;
}
