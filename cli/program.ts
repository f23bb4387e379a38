import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { errorText } from '../runtime/error-text.ts';
import type { GlobalOptions } from './global-options.ts';
import { addJournal } from './journal-commands.ts';
import { addProxyFlags } from './proxy-flags.ts';
import { addReport } from './report-flags.ts';
import { terminalText } from './terminal-text.ts';
import { addUsage } from './usage-commands.ts';

/** Every command and its options. */
const program = new Command('clowder-otel')
  .description('Event collection for Clowder on OpenTelemetry and RabbitMQ')
  .option('--config <file>', 'YAML file of settings; the environment wins over it')
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

const globals = (): GlobalOptions => program.opts<GlobalOptions>();

program
  .command('collector')
  .description('receive telemetry and events, journal them, publish them to RabbitMQ')
  .action(async () => (await import('./collector.ts')).runCollector(globals()));

const proxy = program
  .command('proxy')
  .description('pass requests on to Clowder and report what they do, as OpenTelemetry');
addProxyFlags(proxy).action(async () => (await import('./proxy.ts')).runProxy(globals(), proxy));

const monitor = program
  .command('monitor')
  .description('probe Clowder and what it needs, as --config monitor.yaml says, and tell of changes')
  .action(async () => (await import('./monitor.ts')).runMonitor(globals()));
monitor
  .command('check')
  .description('check the configuration as a whole and print what would be done')
  .action(async () => (await import('./monitor.ts')).checkMonitor(globals()));
monitor
  .command('once')
  .description('run every probe once and print what it read; exit code 1 where something is down')
  .action(async () => (await import('./monitor.ts')).monitorOnce(globals()));
monitor
  .command('schema')
  .description('print the JSON Schema of the configuration')
  .action(async () => (await import('./monitor.ts')).printMonitorSchema());

const keys = program.command('keys').description('API keys of the collector');
keys
  .command('add')
  .description('make a key; it is shown once')
  .requiredOption('--name <name>', 'what the key is for')
  .requiredOption('--scope <scopes...>', 'ingest, read, browser, counter')
  .addOption(new Option('--rate <requests>', 'requests a second').default(1000).argParser(positive))
  .option('--origin <origins...>', 'whose pages may use a key with scope browser; without it ALLOWED_ORIGINS')
  .option('--json', 'print one JSON object')
  .action(async (options: { name: string; scope: string[]; rate: number; origin?: string[]; json?: true }) =>
    (await import('./keys.ts')).addKey(globals(), options),
  );
keys
  .command('list')
  .description('list the keys, without their secrets')
  .action(async () => (await import('./keys.ts')).listKeys(globals()));
keys
  .command('rotate')
  .argument('<id>', 'id or name of the key')
  .description('make a new key in the place of one, with its name, scopes and rate; it is shown once')
  .addOption(new Option('--keep <time>', 'how long the former key stays good, e.g. 0s, 15m, 24h').default('24h'))
  .option('--json', 'print one JSON object')
  .action(async (id: string, options: { keep: string; json?: true }) =>
    (await import('./keys.ts')).rotateKey(globals(), id, options),
  );
keys
  .command('revoke')
  .argument('<id>', 'id of the key, or its name where no other key has it')
  .description('revoke a key at once')
  .action(async (id: string) => (await import('./keys.ts')).revokeKey(globals(), id));

/** For what the running collector does. */
const INGEST_KEY = ['--key <key>', 'API key with scope ingest, for a collector that is running and has keys'] as const;

const events = program.command('events').description('the journal');
const tailFilters = (command: Command): Command =>
  command
    .option('--since <time>', 'RFC 3339, Unix milliseconds, or an age: 90s, 15m, 6h, 7d')
    .option('--type <type...>', 'event types, e.g. file.uploaded');
const filters = (command: Command): Command => tailFilters(command).option('--until <time>', 'as --since');
filters(events.command('list').description('list journaled events, the newest last'))
  .addOption(new Option('--limit <n>', 'at most so many').default(100).argParser(positive))
  .action(async (options: { since?: string; until?: string; type?: string[]; limit: number }) =>
    (await import('./events.ts')).listEvents(globals(), options),
  );
tailFilters(events.command('tail').description('print events as they are journaled')).action(
  async (options: { since?: string; type?: string[] }) => (await import('./events.ts')).tailEvents(globals(), options),
);
filters(events.command('replay').description('publish journaled events once more, with the ids they have'))
  .option('--to-broker', 'to the brokers of AMQP_URL')
  .action(async (options: { since?: string; until?: string; type?: string[]; toBroker?: true }) =>
    (await import('./events.ts')).replayEvents(globals(), options),
  );
events
  .command('retry')
  .option(...INGEST_KEY)
  .description('publish the events that no queue took once more, now: the running collector does it')
  .action(async (options: { key?: string }) => (await import('./events.ts')).retryHeld(globals(), options));

const rejected = program.command('rejected').description('explicit events that were rejected for good');
rejected
  .command('list')
  .description('list rejected events with the reason, the oldest first')
  .addOption(new Option('--limit <n>', 'at most so many').default(100).argParser(positive))
  .action(async (options: { limit: number }) => (await import('./rejected.ts')).listRejected(globals(), options));
rejected
  .command('replay')
  .argument('[ids...]', 'ids as listed; all where none is given')
  .option(...INGEST_KEY)
  .description('check rejected events again and journal those that are right now')
  .action(async (ids: string[], options: { key?: string }) =>
    (await import('./rejected.ts')).replayRejected(globals(), ids, options),
  );
rejected
  .command('discard')
  .argument('<ids...>', 'ids as listed')
  .option(...INGEST_KEY)
  .description('let go of rejected events for good')
  .action(async (ids: string[], options: { key?: string }) =>
    (await import('./rejected.ts')).discardRejected(globals(), ids, options),
  );

addReport(program, globals);

const sink = program
  .command('sink')
  .description('pass events on from RabbitMQ to analytics services: those that are configured')
  .argument('[names...]', 'only these')
  .action(async (names: string[]) => (await import('./sink.ts')).runSinks(globals(), names));
sink
  .command('list')
  .description('list every kind of sink, and what is configured')
  .action(async () => (await import('./sink.ts')).listSinks(globals()));
sink
  .command('check')
  .argument('[names...]', 'only these')
  .description('try each out, broker and service, and store nothing; exit code 1 where one fails')
  .action(async (names: string[]) => (await import('./sink.ts')).checkSinks(globals(), names));
sink
  .command('dead')
  .argument('<name>', 'the sink')
  .description('list what a service will never take, with the reasons, the oldest first')
  .addOption(new Option('--limit <n>', 'at most so many').default(100).argParser(positive))
  .action(async (name: string, options: { limit: number }) =>
    (await import('./sink.ts')).listDead(globals(), name, options),
  );
sink
  .command('replay')
  .argument('<name>', 'the sink')
  .description('send what was put aside once more, with the ids it has')
  .addOption(new Option('--limit <n>', 'at most so many').argParser(positive))
  .action(async (name: string, options: { limit?: number }) =>
    (await import('./sink.ts')).replayDead(globals(), name, options),
  );

addJournal(program, globals);
addUsage(program, globals);

program
  .command('config')
  .description('settings')
  .command('check')
  .description('check the settings as a whole and print them')
  .action(async () => (await import('./config.ts')).checkConfig(globals()));

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be an integer from 1 on.');
  return value;
}

const USAGE_CODES: ReadonlySet<unknown> = new Set(['invalid_config', 'wrong_usage']);

/**
 * Runs one command.
 *
 * @param argv as `process.argv`
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function run(argv: readonly string[]): Promise<0 | 1 | 2> {
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    // Commander has said so itself; its code 0 is help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isUsage = error instanceof Error && 'code' in error && USAGE_CODES.has(error.code);
    // What is wrong with the settings is said on a line each.
    const lines = isUsage ? error.message.split('\n') : [errorText(error)];
    process.stderr.write(`${lines.map(terminalText).join('\n')}\n`);
    return isUsage ? 2 : 1;
  }
}
