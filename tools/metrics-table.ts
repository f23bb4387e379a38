import { fileURLToPath } from 'node:url';
import { CollectorMetrics, type MetricDescription } from '../collector/self-telemetry/metrics.ts';

export const OPERATE_PAGE = fileURLToPath(new URL('../docs/operate.md', import.meta.url));

const BEGIN =
  '<!-- Generated from collector/self-telemetry/metrics.ts by `npm run docs`: do not edit down to the end mark. -->';
const END = '<!-- end of the generated part -->';

/** All of the collector's own metrics, as it describes them. */
export function metricDescriptions(): readonly MetricDescription[] {
  const metrics = new CollectorMetrics();
  watchNothing(metrics);
  return metrics.descriptions;
}

/** Adds the metrics whose values are kept elsewhere, as 0. */
export function watchNothing(metrics: CollectorMetrics): void {
  metrics.watch({
    journal: {
      stats: () => ({ bytes: 0, maxBytes: 0, lastRow: 0, backlogBytes: 0, rejected: 0, unpublishable: 0, commits: 0 }),
    },
    publisher: {
      state: { connected: false, blocked: false, broker: '', unconfirmed: 0, lastError: undefined },
      counters: { confirmed: 0, returned: 0, nacked: 0, refused: 0, republished: 0, reconnects: 0 },
    },
    waitingCount: () => 0,
    held: () => ({ unroutable: { events: 0, oldestMs: undefined }, nacked: { events: 0, oldestMs: undefined } }),
    now: () => 0,
  });
}

/**
 * The page with the collector's table of metrics; the rest is unchanged.
 *
 * @throws Error if the page lacks the marks of the generated part
 */
export function withMetrics(page: string): string {
  const [before, rest, ...more] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`docs/operate.md must have these lines once each: ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${table()}\n\n${END}${after}`;
}

function table(): string {
  const rows = metricDescriptions().map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`,
  );
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
