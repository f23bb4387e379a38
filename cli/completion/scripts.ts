import type { Place, ValueOption, Values } from './tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Script that makes a shell complete the words after `name`. */
export function completionScript(shell: Shell, name: string, places: readonly Place[]): string {
  return SCRIPTS[shell](name, places);
}

const SCRIPTS = { bash, zsh, fish } as const satisfies Record<
  Shell,
  (name: string, places: readonly Place[]) => string
>;

const functionOf = (name: string): string => `_${name.replaceAll('-', '_')}`;
/** Quoted for bash and zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const firstLine = (text: string): string => text.split('\n')[0] ?? '';

/** Branches of a `case` that walks the words typed so far: into a command, past the value of an option. */
function walk(places: readonly Place[]): string {
  const down = places.flatMap(({ path, commands }) =>
    commands.map(({ word }) => {
      const below = `${path} ${word}`.trim();
      return `      ${quoted(`${path}|${word}`)}) at=${quoted(below)} ;;`;
    }),
  );
  const over = places.flatMap(({ path, options }) =>
    options.map(({ word }) => `      ${quoted(`${path}|${word}`)}) ((i++)) ;;`),
  );
  return [...down, ...over].join('\n');
}

const wordsOf = (values: Values): readonly string[] => (typeof values === 'string' ? [] : values.words);

function bash(name: string, places: readonly Place[]): string {
  const values = places.flatMap(({ path, options }) =>
    options.map(({ word, values: may }) => `    ${quoted(`${path}|${word}`)}) ${bashValues(may)}; return ;;`),
  );
  const words = places.map(({ path, commands, flags, options, argument }) => {
    const all = [...commands, ...flags, ...options].map(({ word }) => word);
    const own = argument === undefined ? [] : wordsOf(argument);
    const files = argument === 'file' ? ' files=1' : '';
    return `    ${quoted(path)}) words=${quoted([...all, ...own].join(' '))}${files} ;;`;
  });
  return `# bash completion of ${name}: source <(${name} completion bash)
${functionOf(name)}() {
  local at='' words='' files='' i cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at|\${COMP_WORDS[i]}" in
${walk(places)}
    esac
  done
  case "$at|$before" in
${values.join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $files && $cur != -* ]]; then compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$cur")); fi
}
complete -F ${functionOf(name)} ${name}
`;
}

function bashValues(values: Values): string {
  if (values === 'any') return ':';
  if (values === 'file') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))';
  return `COMPREPLY=($(compgen -W ${quoted(values.words.join(' '))} -- "$cur"))`;
}

/** `word:description`, as zsh's _describe takes it. */
const described = (word: string, description: string): string =>
  quoted(`${word.replaceAll(':', '\\:')}:${firstLine(description).replaceAll(':', '\\:')}`);

function zsh(name: string, places: readonly Place[]): string {
  const values = places.flatMap(({ path, options }) =>
    options.map(({ word, values: may }) => `    ${quoted(`${path}|${word}`)}) ${zshValues(may)}; return ;;`),
  );
  const words = places.map(({ path, commands, flags, options, argument }) => {
    const entries = (list: readonly { word: string; description: string }[]): string =>
      list.map(({ word, description }) => described(word, description)).join(' ');
    return [
      `    ${quoted(path)})`,
      `      below=(${entries(commands)})`,
      `      options=(${entries([...flags, ...options])})`,
      ...(argument === undefined || argument === 'any' ? [] : [`      ${zshValues(argument)}`]),
      '      ;;',
    ].join('\n');
  });
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh)
${functionOf(name)}() {
  local at='' i
  local -a below options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at|\${words[i]}" in
${walk(places)}
    esac
  done
  case "$at|\${words[CURRENT - 1]}" in
${values.join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  (( \${#below} )) && _describe -t commands command below
  _describe -t options option options
}
compdef ${functionOf(name)} ${name}
`;
}

function zshValues(values: Values): string {
  if (values === 'any') return ':';
  return values === 'file' ? '_files' : `compadd -- ${values.words.map(quoted).join(' ')}`;
}

/** Quoted for fish. */
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(name: string, places: readonly Place[]): string {
  const at = `__${name.replaceAll('-', '_')}_at`;
  return `# fish completion of ${name}: ${name} completion fish | source
function ${at}
  set -l at ''
  set -l over 0
  for word in (commandline -opc)[2..]
    if test $over = 1
      set over 0
      continue
    end
    switch "$at|$word"
${fishWalk(places)}
    end
  end
  test "$at" = "$argv[1]"
end
complete -c ${name} -f
${places.flatMap((place) => fishPlace(name, at, place)).join('\n')}
`;
}

function fishWalk(places: readonly Place[]): string {
  const down = places.flatMap(({ path, commands }) =>
    commands.map(
      ({ word }) =>
        `      case ${fishQuoted(`${path}|${word}`)}\n        set at ${fishQuoted(`${path} ${word}`.trim())}`,
    ),
  );
  const over = places.flatMap(({ path, options }) =>
    options.map(({ word }) => `      case ${fishQuoted(`${path}|${word}`)}\n        set over 1`),
  );
  return [...down, ...over].join('\n');
}

/** Everything that may follow at one place. @param at the function that says whether the command line is there */
function fishPlace(name: string, at: string, { path, commands, flags, options, argument }: Place): readonly string[] {
  const here = `complete -c ${name} -n ${fishQuoted(`${at} ${fishQuoted(path)}`)}`;
  const flagOf = (word: string): string => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`);
  const files = argument === 'file' ? [`${here} -F`] : [];
  const words =
    argument === undefined || typeof argument === 'string'
      ? []
      : [`${here} -a ${fishQuoted(argument.words.join(' '))}`];
  return [
    ...commands.map(({ word, description }) => `${here} -a ${word} -d ${fishQuoted(firstLine(description))}`),
    ...flags.map(({ word, description }) => `${here} ${flagOf(word)} -d ${fishQuoted(firstLine(description))}`),
    ...options.map((option) => `${here} ${flagOf(option.word)} ${fishValues(option)}`),
    ...files,
    ...words,
  ];
}

function fishValues({ values, description }: ValueOption): string {
  const what = `-d ${fishQuoted(firstLine(description))}`;
  if (values === 'any') return `-x ${what}`;
  return values === 'file' ? `-r -F ${what}` : `-x -a ${fishQuoted(values.words.join(' '))} ${what}`;
}
