import { constants, setPriority } from 'node:os';

/** Other processes on this machine come first. */
export function letOthersFirst(): void {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}
