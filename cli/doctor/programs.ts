import { z } from 'zod';
import { isHeld } from '../../collector/journal/data-dir.ts';
import { isPostgres } from '../../usage/ask/settings.ts';
import { placeOf } from '../usage.ts';
import { failed, ok, skipped, warning, worstOf, type Finding } from './finding.ts';
import { readinessSchema } from './readiness.ts';
import { collectorUrl } from '../collector-url.ts';
import type { Site } from './site.ts';

export async function checkCollector({ settings, ask }: Site): Promise<readonly Finding[]> {
  const url = collectorUrl(settings, '/readyz');
  const answer = await ask(url);
  if ('problem' in answer && isHeld(settings.DATA_DIR))
    return [
      failed(
        `A collector runs with DATA_DIR ${settings.DATA_DIR}, but none answers at ${url.origin} (${answer.problem})`,
        'Run this with the same HOST, PORT and --config as the collector. If they are the same, look at its log',
      ),
    ];
  if ('problem' in answer)
    return [
      failed(
        `No collector answers at ${url.origin} (${answer.problem})`,
        'Start it (systemctl start clowder-otel-collector, or clowder-otel collector), and look at its log',
      ),
    ];
  const { data } = readinessSchema.safeParse(answer.body);
  if (data === undefined)
    return [
      failed(
        `Another program listens at ${url.origin}: it answered ${answer.status} to /readyz`,
        'Stop that one, or set PORT to a free port',
      ),
    ];
  const state = data.status === 'unavailable' ? failed : warning;
  const findings = Object.entries(data.checks)
    // The broker, bindings and usage have checks of their own.
    .filter(([name, check]) => !check.ok && !['broker', 'unroutable', 'usage'].includes(name))
    .map(([name, { reason }]) =>
      state(`${name}: ${reason ?? 'not well'}`, 'See docs/operate.md, "Troubleshooting by symptom"'),
    );
  return worstOf(findings, ok(`The collector at ${url.origin} is ${data.status}`));
}

const proxySchema = z.looseObject({
  status: z.string(),
  checks: z.record(z.string(), z.looseObject({ ok: z.boolean(), reason: z.string().optional() })).optional(),
});

export async function checkProxy({ proxy, ask }: Site): Promise<readonly Finding[]> {
  if (proxy === undefined)
    return [skipped('PROXY_ADMIN is not set, so the proxy cannot be checked: give its address with --proxy')];
  const answer = await ask(new URL('/readyz', proxy));
  if ('problem' in answer)
    return [failed(`No proxy answers at ${proxy.origin} (${answer.problem})`, 'Start it, and look at its log')];
  const { data } = proxySchema.safeParse(answer.body);
  if (data === undefined)
    return [failed(`Another program listens at ${proxy.origin}`, 'Set PROXY_ADMIN to a free address and port')];
  const findings = Object.entries(data.checks ?? {})
    .filter(([, check]) => !check.ok)
    .map(([name, { reason }]) =>
      failed(`${name}: ${reason ?? 'not well'}`, PROXY_CURES[name] ?? "Look at the proxy's log"),
    );
  return worstOf(findings, ok(`The proxy at ${proxy.origin} is ${data.status}`));
}

const PROXY_CURES: Readonly<Record<string, string>> = {
  clowder: 'Start Clowder, or set PROXY_TARGET to where it is',
  collector: 'Set OTEL_EXPORTER_OTLP_ENDPOINT of the proxy to the collector, and its key in OTEL_EXPORTER_OTLP_HEADERS',
};

export async function checkUsage({ settings, ask }: Site): Promise<readonly Finding[]> {
  if (!settings.USAGE) return [skipped('USAGE is off: nothing is counted here')];
  const answer = await ask(collectorUrl(settings, '/readyz'));
  const usage = 'problem' in answer ? undefined : readinessSchema.safeParse(answer.body).data?.checks['usage'];
  const place = isPostgres(settings.USAGE_STORE) ? 'PostgreSQL' : placeOf(settings);
  if (usage === undefined)
    return [skipped(`The collector does not answer, so counting cannot be checked; its usage store is ${place}`)];
  if (!usage.ok)
    return [
      warning(
        usage.reason ?? 'Usage is not counted',
        'Look at the log of clowder-otel-usage; "usage rebuild" derives the figures again',
      ),
    ];
  return [ok(`Usage is counted, in ${place}`)];
}
