import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

export const ACTIONLINT_VERSION = '1.7.12';

/**
 * Builds actionlint, which checks workflows of GitHub Actions.
 *
 * @param target path of the program
 * @param log path of the file for the build's output
 * @throws Error that says what is missing or failed
 */
export function buildActionlint(target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    run(go, ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${ACTIONLINT_VERSION}`], { GOBIN: work });
    return join(work, 'actionlint');
  });
}
