import { Option, type Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';
import { positive } from './positive.ts';

/** Option of the commands that the running collector carries out. */
const ADMIN_KEY = ['--key <key>', 'API key with scope admin, if the running collector has keys'] as const;

/** `events`, `rejected` and their subcommands. */
export function addEvents(program: Command, globals: () => GlobalOptions): void {
  addJournal(program, globals);
  addRejected(program, globals);
}

function addJournal(program: Command, globals: () => GlobalOptions): void {
  const events = program.command('events').description('the journal');
  const tailFilters = (command: Command): Command =>
    command
      .option('--since <time>', 'RFC 3339, Unix milliseconds, or an age: 90s, 15m, 6h, 7d')
      .option('--type <type...>', 'event types, e.g. file.uploaded');
  const filters = (command: Command): Command => tailFilters(command).option('--until <time>', 'as --since');
  filters(events.command('list').description('list events in the journal, newest last'))
    .addOption(new Option('--limit <n>', 'how many at most').default(100).argParser(positive))
    .action(async (options: { since?: string; until?: string; type?: string[]; limit: number }) =>
      (await import('./events.ts')).listEvents(globals(), options),
    );
  tailFilters(events.command('tail').description('print events as they arrive')).action(
    async (options: { since?: string; type?: string[] }) =>
      (await import('./events.ts')).tailEvents(globals(), options),
  );
  filters(events.command('replay').description('publish events from the journal again, with the same ids'))
    .option('--to-broker', 'to the brokers of AMQP_URL')
    .action(async (options: { since?: string; until?: string; type?: string[]; toBroker?: true }) =>
      (await import('./events.ts')).replayEvents(globals(), options),
    );
  events
    .command('retry')
    .option(...ADMIN_KEY)
    .description('make the running collector retry events that no queue took, now')
    .action(async (options: { key?: string }) => (await import('./events.ts')).retryHeld(globals(), options));
}

function addRejected(program: Command, globals: () => GlobalOptions): void {
  const rejected = program.command('rejected').description('events that were rejected for good');
  rejected
    .command('list')
    .description('list rejected events with the reasons, oldest first')
    .addOption(new Option('--limit <n>', 'how many at most').default(100).argParser(positive))
    .action(async (options: { limit: number }) => (await import('./rejected.ts')).listRejected(globals(), options));
  rejected
    .command('replay')
    .argument('[ids...]', 'ids as listed; by default all')
    .option(...ADMIN_KEY)
    .description('check rejected events again and accept those that are valid now')
    .action(async (ids: string[], options: { key?: string }) =>
      (await import('./rejected.ts')).replayRejected(globals(), ids, options),
    );

  rejected
    .command('discard')
    .argument('<ids...>', 'ids as listed')
    .option(...ADMIN_KEY)
    .description('delete rejected events for good')
    .action(async (ids: string[], options: { key?: string }) =>
      (await import('./rejected.ts')).discardRejected(globals(), ids, options),
    );
}
