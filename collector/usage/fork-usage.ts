import { fork, type ChildProcess } from 'node:child_process';

/** Starts this program again as `usage`, with the same settings and a channel for messages. */
export function forkUsage({ config }: { readonly config?: string }): ChildProcess {
  return fork(process.argv[1] ?? '', [...(config === undefined ? [] : ['--config', config]), 'usage']);
}
