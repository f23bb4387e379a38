import { Argument, Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { completionScript } from './scripts.ts';
import { placesOf } from './tree.ts';

function example(): Command {
  const program = new Command('clowder-otel')
    .option('--config <file>', "the operator's settings")
    .option('--wide', 'nothing is cut');
  const events = program.command('events').description('the journal: events');
  events.command('list').description('list them').option('--type <type...>', 'event types');
  program.command('report').addArgument(new Argument('<kind>').choices(['ir', 'pr']));
  program.command('export').addOption(new Option('--format <format>', 'of the file').choices(['csv', 'ndjson']));
  return program;
}

describe('the places of a program', () => {
  const places = placesOf(example());

  test('are all commands, with what may follow them and the options of the commands above', () => {
    expect(places.map(({ path }) => path)).toEqual(['', 'events', 'events list', 'report', 'export']);
    const list = places.find(({ path }) => path === 'events list');
    expect(list?.options.map(({ word, values }) => [word, values])).toEqual([
      ['--type', 'any'],
      ['--config', 'file'],
    ]);
    expect(list?.flags.map(({ word }) => word)).toEqual(['--wide', '--help']);
  });

  test('have the words that an option or an argument accepts', () => {
    expect(places.find(({ path }) => path === 'report')?.argument).toEqual({ words: ['ir', 'pr'] });
    expect(places.find(({ path }) => path === 'export')?.options[0]?.values).toEqual({ words: ['csv', 'ndjson'] });
  });
});

describe('the script of a shell', () => {
  test.each(['bash', 'zsh', 'fish'] as const)('of %s has every command and every option', (shell) => {
    const script = completionScript(shell, 'clowder-otel', placesOf(example()));
    for (const word of ['events', 'list', 'report', 'export', 'csv', 'ndjson']) expect(script).toContain(word);
    for (const option of ['config', 'wide', 'type', 'format', 'help'])
      expect(script).toMatch(new RegExp(`(?:--|-l )${option}`));
  });
});
