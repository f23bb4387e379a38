import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { tempDir } from '../support/processes.ts';
import { toolPath } from '../support/tools.ts';

const run = promisify(execFile);
let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir('completion');
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const { stdout } = await run(process.execPath, [...cli(), 'completion', shell]);
    await writeFile(join(dir.path, shell), stdout);
  }
});
afterAll(() => dir.remove());

/** What each shell offers for the words of a command line, the last of which is incomplete. */
const SHELLS: Readonly<Record<string, (line: string) => Promise<string>>> = {
  bash: async (line) => {
    const words = line.split(' ').map((word) => `'${word}'`);
    const script = `source ${dir.path}/bash; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _clowder_otel; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['--norc', '-c', script])).stdout;
  },
  fish: async (line) => {
    const script = `source ${dir.path}/fish; complete -C '${line}'`;
    return (await run(toolPath('fish'), ['--no-config', '-c', script], { env: { ...process.env, HOME: dir.path } }))
      .stdout;
  },
  // zsh completes only in its line editor, so the test starts one on a terminal of its own and asks it for the list.
  zsh: async (line) => {
    const script = [
      'zmodload zsh/zpty; zpty shell zsh -f -i',
      `zpty -w shell "PROMPT=; autoload -Uz compinit; compinit -u -D; source ${dir.path}/zsh; zstyle ':completion:*' list-prompt ''; LISTMAX=0; print REA''DY"`,
      "zpty -r shell REPLY '*READY*'",
      `zpty -w -n shell $'${line}\\t\\t\\n'; zpty -w shell $'print EN\\'\\'DED'`,
      `zpty -r shell REPLY '*ENDED*'; print -r -- $REPLY`,
    ].join('\n');
    return (
      await run(toolPath('zsh'), ['-f', '-c', script], { env: { ...process.env, HOME: dir.path, TERM: 'vt100' } })
    ).stdout;
  },
};

test.each(Object.keys(SHELLS))('%s completes commands, options and their values', async (shell) => {
  const offered = async (line: string): Promise<string> => (await SHELLS[shell]?.(line)) ?? '';
  const events = await offered('clowder-otel events ');
  for (const word of ['list', 'tail', 'replay', 'retry']) expect(events).toContain(word);
  expect(await offered('clowder-otel events list --')).toMatch(/--since[\s\S]*--wide|--wide[\s\S]*--since/);
  expect(await offered('clowder-otel usage export --format ')).toMatch(/parquet/);
  expect(await offered('clowder-otel config check ')).toMatch(/monitor/);
});
