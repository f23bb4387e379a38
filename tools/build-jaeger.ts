import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

/**
 * The newest Jaeger 2 that is a Go module: 2.14 and later have tags that their module path does not allow, so that no
 * proxy of modules has them. Its release has the number 1.76.0 there.
 */
export const JAEGER_VERSION = '2.13.0';
const MODULE_VERSION = '1.76.0';
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/jaeger';

/**
 * Builds Jaeger (OTLP in, memory storage, query API; its web page is a placeholder). `go install` of the package with a
 * version is refused, as its module replaces others: a scratch module that requires it is not.
 *
 * @param target path of the program to make
 * @param log path of the file that gets the build's output
 * @throws Error saying what is missing or failed
 */
export function buildJaeger(target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    run(go, ['mod', 'init', 'clowder-otel/jaeger']);
    run(go, ['get', `${PACKAGE}@v${MODULE_VERSION}`]);
    run(go, ['install', PACKAGE], { GOBIN: work });
    return join(work, 'jaeger');
  });
}
