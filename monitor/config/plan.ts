import { redactAmqpUrl } from '../../runtime/amqp/amqp-url.ts';
import { METRICS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { printDuration } from '../../runtime/config/values.ts';
import type { ExtractorsSettings } from '../extractors/settings.ts';
import { createProbe } from '../probes/create-probe.ts';
import type { MonitorConfig, PlannedNotifier } from './config.ts';

type Row = Readonly<Record<string, string | number>>;

/** What the monitor would do, as rows for people: probes, notifiers and extractors, without secrets. */
export function planOf(config: MonitorConfig): {
  readonly probes: readonly Row[];
  readonly notify: readonly Row[];
  readonly extractors: readonly Row[];
} {
  return {
    extractors: config.extractors === undefined ? [] : [extractorsRow(config.extractors)],
    probes: config.probes.map((probe) => ({
      name: probe.name,
      type: probe.type,
      component: probe.component,
      target: createProbe(probe).target,
      every: printDuration(probe.schedule.intervalMs),
      timeout: printDuration(probe.schedule.timeoutMs),
      retries: probe.schedule.retries,
      down_after: probe.schedule.failures,
    })),
    notify: config.notify.map((notifier) => ({
      name: notifier.name,
      type: notifier.type,
      to: recipientOf(notifier),
      after: notifier.failures ?? 1,
      quiet: notifier.quiet === undefined ? '' : printDuration(notifier.quiet),
      remind: notifier.remind === undefined ? '' : printDuration(notifier.remind),
      probes: notifier.probes?.join(', ') ?? 'all',
    })),
  };
}

function extractorsRow({ amqpUrl, jobs, clowder, poll, downloads }: ExtractorsSettings): Row {
  return {
    extractors: redactAmqpUrl(amqpUrl),
    jobs,
    poll: poll === undefined ? '' : `${clowder} ${new URL(poll.url).origin} every ${printDuration(poll.intervalMs)}`,
    downloads: downloads.enabled ? 'yes' : 'no',
  };
}

/** The path of an incoming webhook is its secret. */
function recipientOf(notifier: PlannedNotifier): string {
  switch (notifier.type) {
    case 'email':
      return notifier.to.join(', ');
    case 'rabbitmq':
      return `${redactAmqpUrl(notifier.url ?? '')} ${notifier.exchange ?? METRICS_EXCHANGE}`;
    case 'webhook':
    case 'slack':
      return `${new URL(notifier.url).origin}/…`;
  }
}
