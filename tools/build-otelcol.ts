import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { buildWithGo } from './go-build.ts';

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';

interface Manifest {
  readonly dist: { readonly name: string; readonly version: string };
}

/**
 * Builds an OpenTelemetry Collector with the builder of the version in the manifest.
 *
 * @param manifest path of the builder's YAML, without `output_path`
 * @param target path of the program
 * @param log path of the file for the build's output
 * @throws Error that says what is missing or failed
 */
export function buildCollector(manifest: string, target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    const config = parse(readFileSync(manifest, 'utf8')) as Manifest;
    const withOutput = join(work, 'builder.yaml');
    writeFileSync(withOutput, stringify({ ...config, dist: { ...config.dist, go, output_path: join(work, 'out') } }));
    run(go, ['install', `${BUILDER}@v${config.dist.version}`], { GOBIN: work });
    run(join(work, 'builder'), ['--config', withOutput]);
    return join(work, 'out', config.dist.name);
  });
}
