import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Planned } from '../config/config.ts';
import type { Measures, Probe } from '../reading.ts';
import { round } from './milliseconds.ts';

const run = promisify(execFile);
const COUNT = 5;
const MAX_LOSS = 99;

/**
 * Pings a host by ICMP with the system's own `ping`: not every process may send such packets.
 *
 * @param command the system's command, as found in PATH
 */
export function pingProbe(
  { host, count = COUNT, max_loss: maxLoss = MAX_LOSS }: Planned<'ping'>,
  command = 'ping',
): Probe {
  return {
    target: host,
    async run(signal) {
      const { stdout } = await run(command, ['-c', String(count), '-W', '1', host], {
        signal,
        env: { ...process.env, LC_ALL: 'C' },
      }).catch((error: unknown) => {
        // It exits with 1 if packets were lost, after it has printed how many.
        if (hasOutput(error)) return error;
        throw error;
      });
      const measures = parsePing(stdout);
      const loss = measures?.response_time_loss;
      if (typeof loss !== 'number') throw new Error(`ping printed no packet counts: ${stdout.slice(0, 200)}`);
      const healthy = loss <= maxLoss;
      return [
        {
          target: host,
          healthy,
          error: healthy ? undefined : `${loss} % of ${count} packets were lost`,
          measures: measures ?? {},
        },
      ];
    },
  };
}

function hasOutput(error: unknown): error is { stdout: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 1 &&
    'stdout' in error &&
    typeof error.stdout === 'string'
  );
}

/** The summary that ping prints, in iputils, busybox and BSD alike; undefined if there is none. */
export function parsePing(output: string): Measures | undefined {
  const loss = /([\d.]+)% packet loss/.exec(output)?.[1];
  if (loss === undefined) return undefined;
  const times = /(?:rtt|round-trip) min\/avg\/max(?:\/\w+)? = ([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(output);
  if (times === null) return { response_time_loss: Math.round(Number(loss)) };
  const [min, avg, max] = times.slice(1).map(Number);
  return {
    response_time_ms: round(avg ?? 0),
    response_time_min: Math.round(min ?? 0),
    response_time_avg: Math.round(avg ?? 0),
    response_time_max: Math.round(max ?? 0),
    response_time_loss: Math.round(Number(loss)),
  };
}
