import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_TOOLS, TOOLS_DIR, type Purpose, type TestTool } from './test-tools.ts';

const APT = 'apt-get';
const LOG = join(TOOLS_DIR, 'setup.log');

/** A test tool is not available on this machine; the message is one line that names it and says what to do. */
export class MissingToolError extends Error {
  readonly code = 'MISSING_TEST_TOOL';
  override readonly name = 'MissingToolError';
}

/**
 * Finds, installs (apt) or builds every tool that the purpose needs. A tool that is already there costs one look.
 *
 * @throws MissingToolError
 */
export function setUpTools(purpose: Purpose, tools: readonly TestTool[] = Object.values(TEST_TOOLS)): void {
  const missing = tools.filter((tool) => tool.neededBy.includes(purpose) && tool.find() === undefined);
  if (missing.length === 0) return;
  mkdirSync(TOOLS_DIR, { recursive: true });
  installPackages(missing);
  for (const tool of missing) if ('build' in tool.get) build(tool, tool.get);
}

function installPackages(missing: readonly TestTool[]): void {
  const wanted = missing.flatMap((tool) => ('apt' in tool.get ? [{ tool, apt: tool.get.apt }] : []));
  if (wanted.length === 0) return;
  const packages = wanted.map((entry) => entry.apt);
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  const refusal = whyNoApt();
  if (refusal === undefined) {
    console.log(`Installing with apt: ${packages.join(', ')}`);
    runApt(['update']);
    runApt(install);
  }
  const lacking = wanted.find(({ tool }) => tool.find() === undefined);
  if (lacking === undefined) return;
  const what = refusal ?? `apt did not install it (${lastLine(LOG)}; all of it in ${LOG})`;
  throw new MissingToolError(
    `${lacking.tool.name} is missing: ${what}; as root: apt-get update && apt-get ${install.join(' ')}`,
  );
}

function whyNoApt(): string | undefined {
  if (spawnSync(APT, ['--version']).status !== 0) return 'this machine has no apt-get';
  if (process.getuid?.() !== 0) return 'installing needs root';
  return undefined;
}

function runApt(args: readonly string[]): void {
  const log = openSync(LOG, 'a');
  spawnSync(APT, ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    // RUNLEVEL=1: packages with a service (rabbitmq-server) do not start it.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
}

function build(tool: TestTool, how: { build: (log: string) => void; takes: string }): void {
  console.log(`Building the ${tool.name} (${how.takes}; output in ${LOG})`);
  try {
    how.build(LOG);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const said = `last said: ${lastLine(LOG)}; all of it in ${LOG}`;
    throw new MissingToolError(`${tool.name} is missing: ${reason} (${said}); put that right and run this again`, {
      cause: error,
    });
  }
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return 'nothing';
  }
}

if (import.meta.main) {
  const purpose = process.argv[2] ?? 'test';
  if (purpose !== 'test' && purpose !== 'bench') {
    console.error(`usage: node tools/setup.ts [test|bench] (not ${JSON.stringify(purpose)})`);
    process.exit(2);
  }
  try {
    setUpTools(purpose);
  } catch (error) {
    if (!(error instanceof MissingToolError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
