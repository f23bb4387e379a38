import { constants, setPriority } from 'node:os';

/** Whatever this process is asked, the machine does for others first. */
export function letOthersFirst(): void {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}
