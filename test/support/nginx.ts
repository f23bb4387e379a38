import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startProcess, tempDir } from './processes.ts';
import { toolPath } from './tools.ts';
import { answersOk, waitFor } from './wait-for.ts';

const SHIPPED = fileURLToPath(new URL('../../otel-config/nginx/', import.meta.url));
const TEMPLATE = 'templates/clowder.conf.template';
const INCLUDED = ['nginx.conf', 'clowder-otel.conf', 'clowder-location.conf'] as const;

export interface NginxOptions {
  /** Host and port of the proxy, or of Clowder. */
  readonly upstream: string;
  /** Host and port of further proxies. */
  readonly beside?: readonly string[];
  /** Additional configuration for the http block, as a site would put it into its own file. */
  readonly site?: string;
}

/** The real NGINX with the shipped configuration, on free ports and in its own directory. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of its master process. */
  readonly pid: number;
  /** stub_status */
  readonly statusUrl: string;
  /** Directory of its `clowder.json`. */
  readonly logDir: string;
  output(): string;
  /** Lines of the log so far, those in rotated files first. */
  lines(): Promise<readonly LogLine[]>;
  /** Rotates as logrotate does without copytruncate: moves the log away and makes NGINX open a new one. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
}

/** A line of `clowder.json`; every value is text. */
export type LogLine = Readonly<Record<string, string>>;

/**
 * Starts NGINX and waits until it answers.
 *
 * @throws Error with NGINX's output if it does not come up
 */
export async function startNginx({ upstream, beside = [], site }: NginxOptions): Promise<Nginx> {
  const temp = await tempDir('nginx');
  const [port, statusPort] = [await freePort(), await freePort()];
  const logDir = join(temp.path, 'log');
  for (const name of ['conf.d', 'proxies.d', 'cache', 'log']) await mkdir(join(temp.path, name));
  for (const name of INCLUDED) await copyFile(join(SHIPPED, name), join(temp.path, name));
  const values = {
    NGINX_PORT: String(port),
    NGINX_STATUS_PORT: String(statusPort),
    NGINX_LOG_DIR: logDir,
    NGINX_CACHE_DIR: join(temp.path, 'cache'),
    CLOWDER_UPSTREAM: upstream,
  };
  const template = await readFile(join(SHIPPED, TEMPLATE), 'utf8');
  await writeFile(join(temp.path, 'conf.d/clowder.conf'), substituted(template, values));
  for (const [index, proxy] of beside.entries())
    await writeFile(join(temp.path, `proxies.d/${index}.conf`), `server ${proxy} max_fails=1 fail_timeout=5s;\n`);
  if (site !== undefined) await writeFile(join(temp.path, 'conf.d/site.conf'), site);

  const statusUrl = `http://127.0.0.1:${statusPort}/stub_status`;
  const running = await startProcess(
    toolPath('nginx'),
    ['-p', temp.path, '-c', join(temp.path, 'nginx.conf'), '-e', 'stderr', '-g', await globals(temp.path)],
    { ready: () => answersOk(statusUrl) },
  ).catch(async (error: unknown) => {
    await temp.remove();
    throw error;
  });
  const log = join(logDir, 'clowder.json');
  const rotated: string[] = [];
  const stop = async (): Promise<void> => {
    await running.kill();
    await temp.remove();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: running.pid,
    statusUrl,
    logDir,
    output: () => running.output(),
    lines: async () =>
      (await Promise.all([...rotated, log].map((file) => readFile(file, 'utf8').catch(() => '')))).flatMap(parsed),
    rotate: async () => {
      const moved = `${log}.${rotated.length + 1}`;
      await rename(log, moved);
      rotated.push(moved);
      process.kill(running.pid, 'SIGUSR1');
      await waitFor(() => readFile(log, 'utf8').then(() => true), { what: 'NGINX to open a new log' });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Substitutes like envsubst with a list of names: only those names, and only in braces. */
function substituted(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\$\{([A-Z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/**
 * Settings that the image has compiled in. As root, NGINX would run its workers as another user, who cannot read the test's
 * directory.
 */
async function globals(dir: string): Promise<string> {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `daemon off; pid ${join(dir, 'nginx.pid')}; ${user}`;
}

function parsed(text: string): readonly LogLine[] {
  return (
    text
      .split('\n')
      // Skips lines that a test wrote.
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine)
  );
}
