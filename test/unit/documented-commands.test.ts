import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { placesOf, type Place } from '../../cli/completion/tree.ts';
import { program } from '../../cli/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Pages from which readers type. Decision records and the changelog name former commands. */
const PAGES = globSync('{*,docs/*,docs/sinks/*,instrumentation/*,examples/**/*,deploy/**/*}.{md,txt}', { cwd: ROOT })
  .filter((page) => page !== 'CHANGELOG.md')
  .toSorted();
/** In a checkout, installed, or in a container. */
const CALL =
  /(?:^|[\s`(&|])(?:npm run -s clowder-otel --|(?:node )?\S*dist\/cli\/main\.js|clowder-otel) ([a-z]+\b(?![/.-])[^`\n]*)/g;
const PLACES = new Map(placesOf(program).map((place) => [place.path, place]));

/** Fenced blocks, with broken lines joined, and code within the text. */
function codeOf(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^ *```\w*\n([^]*?)^ *```$/gm)].map(([, block = '']) =>
    block.replaceAll('\\\n', ' '),
  );
  const prose = markdown.replaceAll(/^ *```\w*\n[^]*?^ *```$/gm, '');
  return [...blocks, ...[...prose.matchAll(/`[^`]+`/g)].map(([code]) => code)];
}

/** The words of a command, without what the shell does with it. */
const wordsOf = (command: string): readonly string[] =>
  (command.split(/ (?:#|\||&&|&|>|<)(?: |$)|;|\)/)[0] ?? '')
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '\\');

/** What is wrong with a command; undefined if the program knows all of it. */
function problemOf(words: readonly string[]): string | undefined {
  let place: Place | undefined = PLACES.get('');
  let read = 0;
  for (const word of words) {
    const next: Place | undefined = PLACES.get(`${place?.path ?? ''} ${word}`.trim());
    if (next === undefined) break;
    place = next;
    read += 1;
  }
  if (place === undefined || read === 0) return `there is no command ${words[0]}`;
  const rest = words.slice(read);
  const [first = ''] = rest;
  // A page may name a group of commands, such as `keys`.
  if (place.commands.length > 0 && place.argument === undefined && /^[a-z]/.test(first))
    return `${place.path} has no command ${first}`;
  const known = new Set([...place.flags, ...place.options].map(({ word }) => word));
  return rest
    .map((word) => /^\[?(--[a-z-]+)/.exec(word)?.[1])
    .flatMap((flag) => (flag === undefined || known.has(flag) ? [] : [`${place.path} has no option ${flag}`]))[0];
}

const found = PAGES.flatMap((page) =>
  codeOf(readFileSync(ROOT + page, 'utf8')).flatMap((code) =>
    Array.from(code.matchAll(CALL), ([, command = '']) => [page, command.trim()] as const),
  ),
);

test('the pages have commands', () => {
  expect(found.length).toBeGreaterThan(80);
});

test('every command on the pages is one of the program, with existing options', () => {
  const problems = found.flatMap(([page, command]) => {
    const problem = problemOf(wordsOf(command));
    return problem === undefined ? [] : [`${page}: ${command}: ${problem}`];
  });
  expect(problems).toEqual([]);
});
