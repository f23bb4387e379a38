import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toolPath } from '../test/support/tools.ts';

const SCRIPTS = fileURLToPath(new URL('wrk', import.meta.url));

export interface Load {
  /** Name of a file in bench/wrk/. */
  readonly script: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

interface WrkReport {
  readonly requests: number;
  readonly durationUs: number;
  readonly failed: number;
  readonly refused: number;
  readonly p99Us: number;
}

/**
 * Loads the URL with wrk: one thread, keep-alive connections.
 *
 * @returns answered requests, their number per second, and the 99th percentile of response times
 * @throws Error if a request failed or its status was not 2xx or 3xx
 */
export async function load({
  script,
  args,
  url,
  connections,
  seconds,
}: Load): Promise<{ requests: number; perSecond: number; p99Us: number }> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', `${SCRIPTS}/${script}`];
  const { stdout } = await promisify(execFile)(toolPath('wrk'), [...options, url, '--', ...args]);
  const report = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as WrkReport;
  if (report.failed + report.refused > 0) {
    throw new Error(
      `${url}: ${report.failed} requests failed and ${report.refused} were refused, of ${report.requests}`,
    );
  }
  return {
    requests: report.requests,
    perSecond: (report.requests * 1e6) / report.durationUs,
    p99Us: report.p99Us,
  };
}
