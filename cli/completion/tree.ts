import type { Command, Option } from 'commander';

/** A word that may follow at a place, and its description. */
export interface Word {
  readonly word: string;
  readonly description: string;
}

/** The possible values of an option or an argument. */
export type Values = { readonly words: readonly string[] } | 'file' | 'any';

export interface ValueOption extends Word {
  readonly values: Values;
}

/** A command, its place in the tree, and what may follow it. */
export interface Place {
  /** `events list`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly flags: readonly Word[];
  readonly options: readonly ValueOption[];
  /** Values of the positional argument. */
  readonly argument: Values | undefined;
}

/** Every command of a program, as completion scripts need it: each with its own options and those of its parents. */
export function placesOf(program: Command): readonly Place[] {
  return within(program, '', []);
}

function within(command: Command, path: string, inherited: readonly Option[]): readonly Place[] {
  const options = [...command.options, ...inherited].filter((option) => !option.hidden);
  const names = options.flatMap((option) =>
    [option.long, option.short].flatMap((word) => (word == null ? [] : [{ option, word }])),
  );
  const [argument] = command.registeredArguments;
  const help = { word: '--help', description: 'show what there is' };
  const place: Place = {
    path,
    commands: command.commands.map((one) => ({ word: one.name(), description: one.description() })),
    flags: [
      ...names
        .filter(({ option }) => option.isBoolean())
        .map(({ option, word }) => ({ word, description: option.description })),
      help,
    ],
    options: names
      .filter(({ option }) => !option.isBoolean())
      .map(({ option, word }) => ({
        word,
        description: option.description,
        values: valuesOf(option.flags, option.argChoices),
      })),
    argument: argument && valuesOf(argument.name(), argument.argChoices),
  };
  return [place, ...command.commands.flatMap((one) => within(one, `${path} ${one.name()}`.trim(), options))];
}

/** @param named the option's flags, whose last word names the value: `--out <file>` */
function valuesOf(named: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { words: choices };
  return /\b(?:file|files|path|paths|dir|to|from-file)\b\W*$/i.test(named) ? 'file' : 'any';
}
