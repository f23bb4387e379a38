import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

/** The last release of Jaeger 1 whose all-in-one is a Go module of its own accord; later ones are Collectors. */
export const JAEGER_VERSION = '1.65.0';
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/all-in-one';

/**
 * Builds Jaeger's all-in-one (OTLP in, memory storage, query API; its web page is a placeholder). `go install` of the
 * package with a version is refused, as its module replaces others: a scratch module that requires it is not.
 *
 * @param target path of the program to make
 * @param log path of the file that gets the build's output
 * @throws Error saying what is missing or failed
 */
export function buildJaeger(target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    run(go, ['mod', 'init', 'clowder-otel/jaeger']);
    run(go, ['get', `${PACKAGE}@v${JAEGER_VERSION}`]);
    run(go, ['install', PACKAGE], { GOBIN: work });
    return join(work, 'all-in-one');
  });
}
