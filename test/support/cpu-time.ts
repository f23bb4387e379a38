/** CPU time that this thread spends in `run`, in milliseconds. What else the machine does meanwhile does not count. */
export function cpuTimeOf(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
