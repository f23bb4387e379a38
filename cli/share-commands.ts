import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';
import type { ShareWish } from './shares.ts';

/** `shares` and what it has below it. */
export function addShares(program: Command, globals: () => GlobalOptions): void {
  const shares = program.command('shares').description('links by which others may look at some figures of usage');
  shares
    .command('add')
    .description('make a link; its token is shown once')
    .requiredOption('--name <name>', 'who it is for')
    .requiredOption('--metrics <metrics>', 'what it shows, separated by commas, such as views,downloads')
    .option('--datasets <ids>', 'only these datasets, separated by commas; all without it')
    .requiredOption('--from <time>', 'from this month or day on')
    .requiredOption('--to <time>', 'until the end of this month or day')
    .option('--expires <day>', 'it is good until the end of this day, UTC; without it until it is revoked')
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
