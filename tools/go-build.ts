import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A scratch directory in which a Go program is made, and how programs are run there. */
export interface GoBuild {
  /** Removed afterwards. */
  readonly work: string;
  /** The `go` command. */
  readonly go: string;
  /** Runs a program in the scratch directory; its output goes to the log. */
  readonly run: (program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => void;
}

/**
 * Makes one program with Go and moves it to its place as a whole: two builds at once do not disturb each other, and a
 * build that was cut off leaves no half of a program. Go's settings (GOPROXY, GOFLAGS, …) are those of the environment.
 *
 * @param target path of the program to make
 * @param log path of the file that gets the build's output
 * @param make builds it and returns the path where it lies
 * @throws Error saying what is missing or failed
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
