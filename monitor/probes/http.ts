import { createHash } from 'node:crypto';
import { redactText, redactUrl } from '../../taxonomy/index.ts';
import type { Planned } from '../config/config.ts';
import type { Measures, Probe, Reading } from '../reading.ts';
import { bodyError, jsonValue } from './body-check.ts';
import { textOf } from './decode-body.ts';
import { readCa } from './connection.ts';
import { timedRequest, type TimedAnswer } from './http-request.ts';
import { round } from './milliseconds.ts';

/** How many bytes of a body are kept for checks. */
const BODY_KEPT = 1024 * 1024;
const VERSION_LENGTH = 64;

/** Requests a URL, and checks status, body, time and certificate of the answer. */
export function httpProbe(settings: Planned<'http'>): Probe {
  const { body: rules, version, uptime, method = 'GET' } = settings;
  return probeOf(settings, async (ask) => {
    const chunks: Buffer[] = [];
    let kept = 0;
    const answer = await ask(method, (chunk) => {
      if (kept < BODY_KEPT) chunks.push(chunk);
      kept += chunk.length;
    });
    const body = textOf(Buffer.concat(chunks).subarray(0, BODY_KEPT), answer.headers);
    const error = rules && bodyError(body, rules);
    const itsVersion = version && jsonValue(body, version.path);
    const itsUptime = uptime && jsonValue(body, uptime.path);
    const measures: Measures = {
      ...((typeof itsVersion === 'string' || typeof itsVersion === 'number') && {
        version: String(itsVersion).slice(0, VERSION_LENGTH),
      }),
      ...(typeof itsUptime === 'number' && itsUptime >= 0 && { reported_uptime_s: itsUptime }),
    };
    return { answer, error, measures };
  });
}

/** The shortest reported time, so that nothing is divided by 0. */
const LEAST_MS = 0.001;

/** Downloads a known file completely. */
export function downloadProbe(settings: Planned<'download'>): Probe {
  return probeOf(settings, async (ask) => {
    const sum = createHash('sha256');
    let bytes = 0;
    const answer = await ask('GET', (chunk) => {
      bytes += chunk.length;
      sum.update(chunk);
    });
    const digest = sum.digest('hex');
    const error =
      settings.bytes !== undefined && bytes !== settings.bytes
        ? `${bytes} bytes came, not ${settings.bytes}`
        : settings.sha256 !== undefined && digest !== settings.sha256.toLowerCase()
          ? `the SHA-256 is ${digest}, not ${settings.sha256.toLowerCase()}`
          : undefined;
    // The rate covers the whole request, so that a slow answer makes a slow download. It uses the reported time, so that the
    // two figures agree.
    const rate = Math.round((bytes * 1000) / Math.max(LEAST_MS, round(answer.totalMs)));
    return { answer, error, measures: { bytes, download_rate: rate } };
  });
}

type Ask = (method: 'GET' | 'HEAD', onData: (chunk: Buffer) => void) => Promise<TimedAnswer>;

interface Inspected {
  readonly answer: TimedAnswer;
  /** What is wrong with the body, if status and certificate are right. */
  readonly error: string | undefined;
  readonly measures: Measures;
}

/** What both probes share: everything but the body. */
function probeOf(settings: Planned<'http'> | Planned<'download'>, inspect: (ask: Ask) => Promise<Inspected>): Probe {
  const { url, headers = {}, redirects = 5, redirect_origins: redirectOrigins = [], ca_file: caFile } = settings;
  const { tls_verify, tls_min_days } = settings;
  const target = redactUrl(withoutUser(url));
  const isGood = statusCheck(settings.status ?? '200-299');
  return {
    target,
    async run(signal) {
      const ca = readCa(caFile);
      const { answer, error, measures } = await inspect((method, onData) =>
        timedRequest({
          url,
          method,
          headers,
          redirects,
          redirectOrigins,
          ca,
          signal,
          onData,
          tls_verify,
          tls_min_days,
        }),
      );
      const { status, certificateProblem, refusedRedirect, totalMs } = answer;
      const limit = settings.max_response_time;
      const wrong =
        status !== undefined && !isGood(status)
          ? `HTTP ${status}${refusedRedirect === undefined ? '' : `, which leads to ${refusedRedirect}: not followed, as redirect_origins does not name it`}`
          : (certificateProblem ??
            error ??
            (limit !== undefined && totalMs > limit
              ? `it took ${Math.round(totalMs)} ms, more than ${limit}`
              : undefined));
      const reading: Reading = {
        target,
        healthy: wrong === undefined,
        error: wrong && redactText(wrong),
        measures: { ...timesOf(answer), ...(status !== undefined && { status_code: status, ...measures }) },
      };
      return [reading];
    },
  };
}

function timesOf({ dnsMs, connectMs, tlsMs, firstByteMs, totalMs, certificate }: TimedAnswer): Measures {
  return {
    response_time_ms: round(totalMs),
    dns_time_ms: dnsMs && round(dnsMs),
    connect_time_ms: round(connectMs),
    tls_time_ms: tlsMs && round(tlsMs),
    first_byte_time_ms: firstByteMs && round(firstByteMs),
    tls_days_left: certificate?.daysLeft,
  };
}

/** `200`, `200-299,401` → whether a status matches. */
function statusCheck(given: string): (status: number) => boolean {
  const ranges = given.split(',').map((range) => range.split('-').map(Number));
  return (status) => ranges.some(([from = 0, to = from]) => status >= from && status <= to);
}

/** User and password of a URL are for the server, not for readers of a target. */
function withoutUser(url: string): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy.href;
}
