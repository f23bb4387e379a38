import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';
import type { ShareWish } from './shares.ts';

/** `shares` and its subcommands. */
export function addShares(program: Command, globals: () => GlobalOptions): void {
  const shares = program.command('shares').description('links that show chosen usage figures to others');
  shares
    .command('add')
    .description('make a link; its token is shown once')
    .requiredOption('--name <name>', 'whom it is for')
    .requiredOption('--metrics <metrics>', 'figures to show, separated by commas, e.g. views,downloads')
    .option('--datasets <ids>', 'only these datasets, separated by commas; by default all')
    .requiredOption('--from <time>', 'first month or day')
    .requiredOption('--to <time>', 'last month or day')
    .option('--expires <day>', 'last day on which it works, UTC; by default until you revoke it')
    .action(async (wish: ShareWish) => (await import('./shares.ts')).addShare(globals(), wish));
  shares
    .command('list')
    .description('list the links, without their tokens')
    .action(async () => (await import('./shares.ts')).listShares(globals()));
  shares
    .command('revoke')
    .argument('<id>', 'id of the link')
    .description('revoke a link at once')
    .action(async (id: string) => (await import('./shares.ts')).revokeShare(globals(), id));
}
