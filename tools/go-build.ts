import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A scratch directory in which a Go program is built. */
export interface GoBuild {
  /** The directory, removed afterwards. */
  readonly work: string;
  /** The `go` command. */
  readonly go: string;
  /** Runs a program in the scratch directory; its output goes to the log. */
  readonly run: (program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => void;
}

/**
 * Builds one program with Go and moves it to its place in one step: builds at the same time do not disturb each other, and an
 * interrupted one leaves no partial program. Go's settings (GOPROXY, GOFLAGS, …) come from the environment.
 *
 * @param target path of the program
 * @param log path of the file for the build's output
 * @param make builds it and returns its path
 * @throws Error that says what is missing or failed
 */
export function buildWithGo(target: string, log: string, make: (build: GoBuild) => string): void {
  const go = ['go', '/usr/local/go/bin/go'].find((name) => spawnSync(name, ['version']).status === 0);
  if (go === undefined) throw new Error('it is built with Go, which is not on PATH; install Go 1.26 or newer');
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), `${basename(target)}-build-`));
  const output = openSync(log, 'a');
  const run: GoBuild['run'] = (program, args, env = {}) => {
    appendFileSync(output, `+ ${program} ${args.join(' ')}\n`);
    execFileSync(program, args, { cwd: work, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  };
  try {
    renameSync(make({ work, go, run }), target);
  } finally {
    closeSync(output);
    rmSync(work, { recursive: true, force: true });
  }
}
