import type { AgentClass } from '../../rules/agents.ts';
import type { Reason } from '../../rules/reasons.ts';
import type { UsageStore } from '../../store/usage-store.ts';
import { compare, type FiguresOptions } from '../figures.ts';

/** A month of the whole site, besides COUNTER's metrics. */
export interface MonthSummary {
  readonly month: string;
  readonly visitors: number;
  /** Bytes sent by downloads. */
  readonly bytes: number;
}

/** Views and downloads by client and by reason for counting them or not; together they are all. */
export interface ClientSummary {
  readonly client: AgentClass;
  readonly why: Reason;
  readonly views: number;
  readonly downloads: number;
}

export interface Summary {
  readonly months: readonly MonthSummary[];
  readonly clients: readonly ClientSummary[];
  /** Counted events, by how their dataset is known. */
  readonly attribution: Readonly<Record<string, number>>;
  /** Bytes sent by downloads, by dataset. */
  readonly bytesOf: ReadonlyMap<string, number>;
}

const LOOKS = "event IN ('view.resource', 'view.download')";
const COUNTED = "reason = 'counted' AND access <> 'out'";

/** Asks the store for what people want to know besides COUNTER's metrics. */
export async function summaryOf(store: UsageStore, options: FiguresOptions): Promise<Summary> {
  const { engine } = store;
  const from = `FROM ${await store.verdicts(options)} v`;
  const month = engine.dialect.timeText('v.local_ms', 'month');
  const months = await engine.query<{ month: string; visitors: number; bytes: number }>(
    `SELECT ${month} AS month, count(DISTINCT user_key) AS visitors,
       coalesce(sum(bytes) FILTER (WHERE request), 0) AS bytes
     ${from} WHERE ${COUNTED} AND ${LOOKS} GROUP BY 1`,
  );
  const clients = await engine.query<{ client: AgentClass; why: Reason; views: number; downloads: number }>(
    `SELECT client, reason AS why, count(*) FILTER (WHERE event = 'view.resource') AS views,
       count(*) FILTER (WHERE event = 'view.download') AS downloads
     ${from} WHERE ${LOOKS} GROUP BY 1, 2`,
  );
  const attribution = await engine.query<{ attribution: string; n: number }>(
    `SELECT attribution, count(*) AS n ${from} WHERE ${COUNTED} AND ${LOOKS} GROUP BY 1`,
  );
  const bytes = await engine.query<{ dataset: string; bytes: number }>(
    `SELECT dataset_id AS dataset, coalesce(sum(bytes), 0) AS bytes ${from} WHERE ${COUNTED} AND request GROUP BY 1`,
  );
  return {
    months: months.toSorted((a, b) => compare(a.month, b.month)),
    clients: clients.toSorted((a, b) => compare(a.client, b.client) || compare(a.why, b.why)),
    attribution: Object.fromEntries(
      attribution.toSorted((a, b) => compare(a.attribution, b.attribution)).map((row) => [row.attribution, row.n]),
    ),
    bytesOf: new Map(bytes.map((row) => [row.dataset, row.bytes])),
  };
}
