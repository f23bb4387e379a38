import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

/**
 * The newest Jaeger 2 that is a Go module. From 2.14 on, the tags contradict the module path, so no module proxy has them.
 * As a module, this release has the number 1.76.0.
 */
export const JAEGER_VERSION = '2.13.0';
const MODULE_VERSION = '1.76.0';
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/jaeger';

/**
 * Builds Jaeger (OTLP in, memory storage, query API; its web page is a placeholder). `go install` refuses a version of a
 * package whose module replaces others, but accepts a scratch module that requires it.
 *
 * @param target path of the program
 * @param log path of the file for the build's output
 * @throws Error that says what is missing or failed
 */
export function buildJaeger(target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    run(go, ['mod', 'init', 'clowder-otel/jaeger']);
    run(go, ['get', `${PACKAGE}@v${MODULE_VERSION}`]);
    run(go, ['install', PACKAGE], { GOBIN: work });
    return join(work, 'jaeger');
  });
}
