import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

/** How many characters of a child's output are kept, counted from its end. */
const OUTPUT_KEPT = 1024 * 1024;

export interface ProcessOptions {
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Called with the output so far; true when the program is ready. By default, ready means started. */
  readonly ready?: (output: string) => boolean | Promise<boolean>;
  /** @default 120000 */
  readonly readyTimeoutMs?: number;
}

/** A program that a test started and will end. */
export interface RunningProcess {
  readonly pid: number;
  /** Standard output and error, interleaved as they arrived; the last 1 Mi characters. */
  output(): string;
  /** Resolves with code or signal when the program has ended. */
  readonly exited: Promise<Exit>;
  /** Sends the signal to this process alone (default SIGTERM) and waits until it is gone; SIGKILL after 15 s. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws Error with the program's output if it ends early, is not ready in time, or cannot be started
 */
export async function startProcess(
  program: string,
  args: string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const { env = {}, cwd, ready, readyTimeoutMs = 120_000 } = options;
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_KEPT);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const exited = once(child, 'exit').then(([code, signal]: unknown[]): Exit => ({
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? (signal as NodeJS.Signals) : null,
  }));
  exited.catch(() => {});
  await once(child, 'spawn');
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> => end(child, exited, signal);
  endWithUs(child, exited);
  const running: RunningProcess = {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
    },
  };
  if (ready === undefined) return running;
  try {
    await waitFor(() => hasEnded(child) || ready(output), {
      timeoutMs: readyTimeoutMs,
      what: `${program} to be ready`,
    });
    if (hasEnded(child)) throw new Error(`ended with ${child.exitCode ?? child.signalCode}`);
  } catch (cause) {
    await kill('SIGKILL');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${program} ${args.join(' ')}: ${reason}; it said:\n${output}`, { cause });
  }
  return running;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess, exited: Promise<Exit>, signal: NodeJS.Signals): Promise<Exit> {
  if (!hasEnded(child)) child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  try {
    return await exited;
  } finally {
    clearTimeout(late);
  }
}

/** If the test run ends early, so do its children. */
function endWithUs(child: ChildProcess, exited: Promise<Exit>): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const forget = (): void => void process.off('exit', kill);
  exited.then(forget, forget);
}

/** Below the ports of outgoing connections, which could take one before our server listens. */
const PORTS = { from: 15_000, to: 32_000 };
const SHARES = 17;
/** Each Vitest worker has its own share of the ports, so two workers never get the same one. */
const share = Number(process.env['VITEST_POOL_ID'] ?? 0) % SHARES;
const perShare = (PORTS.to - PORTS.from) / SHARES;
const from = PORTS.from + share * perShare;
const given = new Set<number>();

/** A free TCP port of 127.0.0.1 that no other caller in this test run gets. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(from, from + perShare);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free TCP port from ${from} to ${from + perShare}`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer().on('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}

/** Creates a temporary directory. @returns its path, and a function that removes it */
export async function tempDir(purpose: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `clowder-otel-${purpose}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
