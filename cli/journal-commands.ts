import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** `journal` and what it has below it. */
export function addJournal(program: Command, globals: () => GlobalOptions): void {
  program
    .command('journal')
    .description('the journal of a collector that is gone')
    .command('drain')
    .argument('<dir>', 'its DATA_DIR, which no collector has open')
    .description('publish what waits in it, in order, with the ids it has; again where it was broken off')
    .action(async (dir: string) => (await import('./journal.ts')).drain(globals(), dir));
}
