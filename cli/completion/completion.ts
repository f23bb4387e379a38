import type { Command } from 'commander';
import { completionScript, type Shell } from './scripts.ts';
import { placesOf } from './tree.ts';

/** `completion SHELL`: prints the shell's completion script. */
export function printCompletion(program: Command, shell: Shell): void {
  process.stdout.write(completionScript(shell, program.name(), placesOf(program)));
}
