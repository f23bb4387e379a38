import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';

interface Manifest {
  readonly dist: { readonly name: string; readonly version: string };
}

/**
 * Builds an OpenTelemetry Collector with its builder, of the version that the manifest asks for. Go's settings
 * (GOPROXY, GOFLAGS, …) are those of the environment. Two builds at once do not disturb each other.
 *
 * @param manifest path of the builder's YAML, without `output_path`
 * @param target path of the program to make
 * @param log path of the file that gets the build's output
 * @throws Error saying what is missing or failed
 */
export function buildCollector(manifest: string, target: string, log: string): void {
  const go = ['go', '/usr/local/go/bin/go'].find((name) => spawnSync(name, ['version']).status === 0);
  if (go === undefined) throw new Error('it is built with Go, which is not on PATH; install Go 1.25 or newer');
  const tools = dirname(target);
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, 'otelcol-build-'));
  const output = openSync(log, 'a');
  const run = (program: string, args: string[], env: NodeJS.ProcessEnv = {}): void => {
    appendFileSync(output, `+ ${program} ${args.join(' ')}\n`);
    execFileSync(program, args, { cwd: work, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  };
  try {
    const config = parse(readFileSync(manifest, 'utf8')) as Manifest;
    const withOutput = join(work, 'builder.yaml');
    writeFileSync(withOutput, stringify({ ...config, dist: { ...config.dist, go, output_path: join(work, 'out') } }));
    run(go, ['install', `${BUILDER}@v${config.dist.version}`], { GOBIN: work });
    run(join(work, 'builder'), ['--config', withOutput]);
    renameSync(join(work, 'out', config.dist.name), target);
  } finally {
    closeSync(output);
    rmSync(work, { recursive: true, force: true });
  }
}
