import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** `journal` and its subcommand. */
export function addJournal(program: Command, globals: () => GlobalOptions): void {
  program
    .command('journal')
    .description('rescue the journal of a collector that is gone')
    .command('drain')
    .argument('<dir>', 'its DATA_DIR, which no collector has open')
    .description('publish what waits in the journal, in order, with the same ids; run it again if it was interrupted')
    .action(async (dir: string) => (await import('./journal.ts')).drain(globals(), dir));
}
