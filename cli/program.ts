import { styleText } from 'node:util';
import { Argument, Command, CommanderError, Option } from 'commander';
import { errorText } from '../runtime/error-text.ts';
import { VERSION } from '../runtime/version.ts';
import { SHELLS, type Shell } from './completion/scripts.ts';
import type { DoctorOptions } from './doctor/doctor.ts';
import { addEvents } from './event-commands.ts';
import type { GlobalOptions } from './global-options.ts';
import { addJournal } from './journal-commands.ts';
import { positive } from './positive.ts';
import { addProxyFlags } from './proxy-flags.ts';
import { showWhole } from './output.ts';
import { addReport } from './report-flags.ts';
import { addShares } from './share-commands.ts';
import { CHECKED_PROGRAMS, type CheckedProgram } from './setting-rows.ts';
import { terminalText } from './terminal-text.ts';
import { addUsage } from './usage-commands.ts';

/** Every command and its options. */
export const program: Command = new Command('clowder-otel')
  .description('Event collection for Clowder on OpenTelemetry and RabbitMQ')
  .version(VERSION, '-V, --version', 'print the version')
  .option('--config <file>', 'YAML file of settings; environment variables override it')
  .option('--wide', 'show tables at full width, with nothing cut')
  .configureHelp({
    showGlobalOptions: true,
    // Commander removes the style if there is no terminal or NO_COLOR is set.
    styleTitle: (title) => styleText('bold', title, { validateStream: false }),
  })
  .hook('preAction', () => showWhole(program.opts<{ wide?: true }>().wide === true))
  .showHelpAfterError('(run with --help to see commands and options)')
  .exitOverride();

const globals = (): GlobalOptions => program.opts<GlobalOptions>();

program
  .command('collector')
  .description('receive telemetry and events, keep them in a journal, publish them to RabbitMQ')
  .action(async () => (await import('./collector.ts')).runCollector(globals()));

const proxy = program
  .command('proxy')
  .description('pass requests on to Clowder and report them as OpenTelemetry spans and events');
addProxyFlags(proxy).action(async () => (await import('./proxy.ts')).runProxy(globals(), proxy));

const monitor = program
  .command('monitor')
  .description('watch Clowder and what it depends on, and notify people of changes (needs --config monitor.yaml)')
  .action(async () => (await import('./monitor.ts')).runMonitor(globals()));
monitor
  .command('check')
  .description('check the whole configuration, and print what the monitor would do')
  .action(async () => (await import('./monitor.ts')).checkMonitor(globals()));
monitor
  .command('once')
  .description('run every probe once and print its reading; exit code 1 if something is down')
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
  .requiredOption('--scope <scopes...>', 'ingest, capture, read, browser, counter, admin')
  .addOption(new Option('--rate <requests>', 'requests a second').default(1000).argParser(positive))
  .option('--origin <origins...>', 'origins whose pages may use a key with scope browser; by default ALLOWED_ORIGINS')
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
  .description('replace a key by a new one with the same name, scopes and rate; it is shown once')
  .addOption(new Option('--keep <time>', 'how long the old key stays valid, e.g. 0s, 15m, 24h').default('24h'))
  .option('--json', 'print one JSON object')
  .action(async (id: string, options: { keep: string; json?: true }) =>
    (await import('./keys.ts')).rotateKey(globals(), id, options),
  );
keys
  .command('revoke')
  .argument('<id>', 'id of the key, or its name if no other key has it')
  .description('revoke a key at once')
  .action(async (id: string) => (await import('./keys.ts')).revokeKey(globals(), id));

addShares(program, globals);

addEvents(program, globals);

addReport(program, globals);

const sink = program
  .command('sink')
  .description('pass events from RabbitMQ to the analytics services that you configured')
  .argument('[names...]', 'only these')
  .action(async (names: string[]) => (await import('./sink.ts')).runSinks(globals(), names));
sink
  .command('list')
  .description('list every kind of sink, and what is configured')
  .action(async () => (await import('./sink.ts')).listSinks(globals()));
sink
  .command('check')
  .argument('[names...]', 'only these')
  .description('try out broker and service of each sink and store nothing; exit code 1 if one fails')
  .action(async (names: string[]) => (await import('./sink.ts')).checkSinks(globals(), names));
sink
  .command('dead')
  .argument('<name>', 'the sink')
  .description('list events that the service will never take, with the reasons, oldest first')
  .addOption(new Option('--limit <n>', 'how many at most').default(100).argParser(positive))
  .action(async (name: string, options: { limit: number }) =>
    (await import('./sink.ts')).listDead(globals(), name, options),
  );
sink
  .command('replay')
  .argument('<name>', 'the sink')
  .description('send dead-lettered events again, with the same ids')
  .addOption(new Option('--limit <n>', 'how many at most').argParser(positive))
  .action(async (name: string, options: { limit?: number }) =>
    (await import('./sink.ts')).replayDead(globals(), name, options),
  );

addJournal(program, globals);
addUsage(program, globals);

program
  .command('config')
  .description('settings')
  .command('check')
  .addArgument(
    new Argument('[program]', 'the program whose settings to check').choices(CHECKED_PROGRAMS).default('collector'),
  )
  .description('check all settings, and print those in force and where each comes from')
  .action(async (checked: CheckedProgram) => (await import('./config.ts')).checkConfig(globals(), checked));

program
  .command('backup')
  .argument('<dir>', 'directory to make')
  .description('copy keys, usage and journal, while the collector runs')
  .action(async (directory: string) => (await import('./backup.ts')).makeBackup(globals(), directory));
program
  .command('restore')
  .argument('<dir>', 'a directory that backup made')
  .description('restore a backup into a DATA_DIR without a journal; stop the collector first')
  .action(async (directory: string) => (await import('./backup.ts')).restoreBackup(globals(), directory));

program
  .command('doctor')
  .description('check broker, bindings, disk, clock, collector, proxy, keys and usage, and say what to do')
  .option('--json', 'print one JSON object')
  .option('--key <key>', 'a key that senders use, to try it out (CLOWDER_OTEL_API_KEY)')
  .option('--management <url>', "RabbitMQ's management API; by default port 15672 of the broker")
  .option('--proxy <url>', "the proxy's listener for health checks (PROXY_ADMIN)")
  .action(async (options: DoctorOptions) => (await import('./doctor/doctor.ts')).runDoctor(globals(), options));

program
  .command('completion')
  .addArgument(new Argument('<shell>', 'whose completion').choices(SHELLS))
  .description('print the completion script of a shell; use it with: source <(clowder-otel completion bash)')
  .action(async (shell: Shell) => (await import('./completion/completion.ts')).printCompletion(program, shell));

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
    // Commander has already printed the error; its code 0 means that help was requested.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isUsage = error instanceof Error && 'code' in error && USAGE_CODES.has(error.code);
    // Each problem with the settings has a line of its own.
    const lines = isUsage ? error.message.split('\n') : [errorText(error)];
    const text = lines.map(terminalText).join('\n');
    process.stderr.write(`${styleText('red', text, { stream: process.stderr })}\n`);
    return isUsage ? 2 : 1;
  }
}
