import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

export const HELM_VERSION = '4.3.2';

/**
 * Builds helm in a scratch module that requires it: `go install` refuses a version of a module with replacements.
 *
 * @param target path of the program
 * @param log path of the file for the build's output
 * @throws Error that says what is missing or failed
 */
export function buildHelm(target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    run(go, ['mod', 'init', 'clowder-otel/helm']);
    run(go, ['get', `helm.sh/helm/v4/cmd/helm@v${HELM_VERSION}`]);
    run(go, ['install', 'helm.sh/helm/v4/cmd/helm'], { GOBIN: work });
    return join(work, 'helm');
  });
}
