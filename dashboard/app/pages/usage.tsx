import type { ComponentChildren } from 'preact';
import type { Stats } from '../api.ts';
import { layersOf, rankedOf, sumsOf, type Ranked } from '../figures.ts';
import { ago, brief, bytes, change, count, type Figure } from '../format.ts';
import { Chart } from '../parts/chart.tsx';
import { Choices } from '../parts/choices.tsx';
import { Panel } from '../parts/panel.tsx';
import { PeriodChoice } from '../parts/period-choice.tsx';
import { usePicture } from '../parts/picture.ts';
import { Table, Tile } from '../parts/table.tsx';
import { columnsOf, periodBefore, periodOf, zoomTo, type Period } from '../period.ts';
import {
  AUDIENCES,
  AUDIENCE_NAMES,
  audienceOf,
  FILTERS,
  FILTER_NAMES,
  filtersOf,
  statsUrl,
  type Filter,
} from '../question.ts';
import { useApp, useAsk, useNow } from '../state.ts';

/** Refresh interval while the page is visible. */
const EVERY_MS = 30_000;

/** How much was it used? */
export function UsagePage() {
  const { address, zone } = useApp();
  const { params } = address;
  // Advancing once a minute is enough, and keeps the questions the same in between.
  const now = useNow(60_000);
  const period = periodOf(params, now, zone);
  return (
    <>
      <h1>How much was it used?</h1>
      <FilterBar period={period} />
      <Totals period={period} />
      <div class="grid">
        <Activity period={period} />
        <Volume period={period} />
        <Jobs period={period} />
        <Top period={period} title="Most used datasets" by="dataset" filter="dataset" />
        <Top period={period} title="Most used files" by="resource" filter="resource" more={{ resource_type: 'file' }} />
        <Top period={period} title="By space" by="space" filter="space" />
        <Top period={period} title="By collection" by="collection" filter="collection" />
        <Top
          period={period}
          title="File types"
          by="content_type"
          filter="content_type"
          metrics={['downloads', 'bytes', 'uploads', 'bytes_uploaded']}
          note="Of files. An archive of several has none, nor has a download that was seen in an access log without types alone."
        />
        <Top period={period} title="Where they came from" by="referrer" filter="referrer" none="No other site" />
        <Top
          period={period}
          title="Countries"
          by="country"
          filter="country"
          unknown={
            <>
              To learn countries, give the collector a table of addresses: <code>USAGE_COUNTRIES_FILE</code>.
            </>
          }
        />
        <Top period={period} title="Most active users" by="user" filter="user" none="Not logged in" />
        <NotCounted period={period} />
        <Unseen />
      </div>
    </>
  );
}

function FilterBar({ period }: { readonly period: Period }) {
  const { address, filter } = useApp();
  const { params } = address;
  const audience = audienceOf(params);
  const preset = params['from'] === undefined ? (params['period'] ?? '30d') : '';
  const isCompared = params['compare'] === 'before';
  return (
    <div class="filters" role="group" aria-label="Filters">
      <PeriodChoice preset={preset} />
      <label>
        From{' '}
        <input
          type="date"
          value={period.from.slice(0, 10).padEnd(10, '-01')}
          onChange={(event) =>
            filter({ from: event.currentTarget.value, to: params['to'] ?? dayOf(period.to), period: undefined })
          }
        />
      </label>
      <label>
        to{' '}
        <input
          type="date"
          value={dayOf(period.to)}
          onChange={(event) =>
            filter({
              to: event.currentTarget.value,
              from: params['from'] ?? period.from.slice(0, 10),
              period: undefined,
            })
          }
        />
      </label>
      <Choices
        label="Who"
        choices={AUDIENCE_NAMES.map((name) => ({ name, text: AUDIENCES[name].name }))}
        chosen={audience}
        onChoose={(name) => filter({ who: name === 'counted' ? undefined : name })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={isCompared}
          onChange={() => filter({ compare: isCompared ? undefined : 'before' })}
        />{' '}
        Compare with the period before
      </label>
      {FILTER_NAMES.filter((name) => params[name] !== undefined).map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          onClick={() => filter({ [name]: undefined })}
          aria-label={`Remove the filter ${FILTERS[name]} ${params[name] ?? ''}`}
        >
          {FILTERS[name]}: {params[name]} <span aria-hidden="true">✕</span>
        </button>
      ))}
    </div>
  );
}

/** Last day of a period whose end is a month, a day or a time. */
function dayOf(to: string): string {
  if (to.length === 10) return to;
  if (to.length > 10) return to.slice(0, 10);
  const [year = 0, month = 1] = to.split('-').map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

const TOTALS = { views: 'Views', downloads: 'Downloads', bytes: 'Downloaded', visitors: 'Active users', uploads: 'Uploads', bytes_uploaded: 'Uploaded' } as const; // prettier-ignore
const isBytes = (metric: string): boolean => metric.startsWith('bytes');
const write = (metric: string): ((value: Figure) => string) => (isBytes(metric) ? bytes : brief);

interface WithPeriod {
  readonly period: Period;
}

/** Parameters of every question on this page. */
function useQuestion({ period }: WithPeriod, about: 'use' | 'jobs' = 'use'): Record<string, string> {
  const { address, zone } = useApp();
  return { from: period.from, to: period.to, time_zone: zone, ...filtersOf(address.params, about) };
}

function Totals({ period }: WithPeriod) {
  const { address, zone } = useApp();
  const asked = useQuestion({ period });
  const isCompared = address.params['compare'] === 'before';
  const url = statsUrl({ metric: Object.keys(TOTALS).join(','), ...asked, compare: isCompared ? 'before' : undefined });
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const before = answer?.before?.totals;
  return (
    <Panel
      title={period.name}
      questions={[url]}
      error={error}
      isLoading={isLoading}
      isEmpty={answer === undefined}
      wide
      note={
        answer && (
          <>
            Counted until{' '}
            {answer.counted_until === null ? 'nothing yet' : ago(Date.parse(answer.counted_until), Date.now())}. Days
            are those of {zone}.{' '}
            {audienceOf(address.params) === 'counted'
              ? 'Bots, extractors, tools without a key and double clicks are left out.'
              : ''}
          </>
        )
      }
    >
      <dl class="tiles">
        {Object.entries(TOTALS).map(([metric, name]) => (
          <Tile
            key={metric}
            name={name}
            value={write(metric)(answer?.totals[metric])}
            more={
              before === undefined
                ? undefined
                : `${change(answer?.totals[metric], before[metric])} (${write(metric)(before[metric])})`
            }
          />
        ))}
      </dl>
    </Panel>
  );
}

interface OverTimeProps extends WithPeriod {
  readonly title: string;
  readonly metrics: Readonly<Record<string, string>>;
  readonly colours: readonly number[];
  readonly format: (value: Figure) => string;
  readonly about?: 'use' | 'jobs';
  readonly wide?: boolean;
  /** Derives the rows that are shown from those that were asked for. */
  readonly shown?: (rows: Stats['rows']) => Stats['rows'];
  readonly asks?: readonly string[];
  readonly note?: string;
}

/** Figures over time, stacked; dragging with the mouse zooms in. */
function OverTime({
  title,
  period,
  metrics,
  colours,
  format,
  about = 'use',
  wide,
  shown = (rows) => rows,
  asks,
  note,
}: OverTimeProps) {
  const { address, zone, filter } = useApp();
  const { picture, onDrawn } = usePicture();
  const asked = {
    metric: (asks ?? Object.keys(metrics)).join(','),
    by: period.unit,
    ...useQuestion({ period }, about),
  };
  const isCompared = address.params['compare'] === 'before';
  const earlier = periodBefore(period);
  const url = statsUrl(asked);
  const urlBefore = statsUrl({ ...asked, ...earlier });
  const now = useAsk(url, EVERY_MS);
  const before = useAsk(isCompared ? urlBefore : undefined);
  const columns = columnsOf(period, zone);
  const layers = now.answer === undefined ? [] : layersOf(shown(now.answer.rows), period.unit, columns, metrics);
  const sums = isCompared && before.answer ? sumsOf(shown(before.answer.rows), period.unit, columnsOf({ ...earlier, unit: period.unit }, zone), Object.keys(metrics), columns.length) : undefined; // prettier-ignore
  return (
    <Panel
      title={title}
      questions={isCompared ? [url, urlBefore] : [url]}
      {...(picture !== undefined && { picture })}
      error={now.error}
      isLoading={now.isLoading}
      isEmpty={now.answer === undefined}
      wide={wide === true}
      note={note}
    >
      <Chart
        label={`${title}, by ${period.unit}`}
        columns={columns}
        series={layers.map(({ name, values }, index) => ({ name, values, colour: colours[index] ?? index + 1 }))}
        format={format}
        before={sums}
        isBytes={format === bytes}
        onZoom={(first, last) => {
          const zoomed = zoomTo(columns, first, last, period.unit, zone);
          if (zoomed !== undefined) filter(zoomed);
        }}
        onDrawn={onDrawn}
      />
    </Panel>
  );
}

function Activity({ period }: WithPeriod) {
  return (
    <OverTime
      title="Activity"
      period={period}
      metrics={{ views: 'Views', downloads: 'Downloads', uploads: 'Uploads' }}
      colours={[1, 2, 3]}
      format={brief}
      wide
      note="Drag across the chart to zoom in."
    />
  );
}

function Volume({ period }: WithPeriod) {
  return (
    <OverTime
      title="Bytes"
      period={period}
      metrics={{ bytes: 'Downloaded', bytes_uploaded: 'Uploaded' }}
      colours={[2, 3]}
      format={bytes}
    />
  );
}

const succeeded = (rows: Stats['rows']): Stats['rows'] =>
  rows.map((row) => ({ ...row, jobs_other: Number(row['jobs'] ?? 0) - Number(row['jobs_failed'] ?? 0) }));

function Jobs({ period }: WithPeriod) {
  return (
    <OverTime
      title="Jobs of extractors"
      period={period}
      metrics={{ jobs_other: 'Done or open', jobs_failed: 'Failed' }}
      asks={['jobs', 'jobs_failed']}
      shown={succeeded}
      colours={[4, 5]}
      format={brief}
      about="jobs"
    />
  );
}

interface TopProps extends WithPeriod {
  readonly title: string;
  readonly by: string;
  readonly filter: Filter;
  readonly more?: Readonly<Record<string, string>>;
  /** Name of a missing value. @default Not known */
  readonly none?: string;
  /** The reason, if nothing is known at all. */
  readonly unknown?: ComponentChildren;
  /** Figures of each row. The first sets the order, unless the address names another. */
  readonly metrics?: readonly RankedMetric[];
  readonly note?: string;
}

const RANKED = ['downloads', 'views', 'bytes'] as const;
type RankedMetric = keyof typeof TOTALS;

/** A ranking of one kind; a click filters by the row. */
function Top({
  period,
  title,
  by,
  filter: name,
  more = {},
  none = 'Not known',
  unknown,
  metrics = RANKED,
  note,
}: TopProps) {
  const { address, filter } = useApp();
  const order = metrics.find((one) => one === address.params['order']) ?? metrics[0] ?? 'downloads';
  const asked = [order, ...metrics.filter((one) => one !== order)];
  const url = statsUrl({ metric: asked.join(','), by, top: 10, ...useQuestion({ period }), ...more });
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const items = answer === undefined ? [] : rankedOf(answer, by, order, metrics);
  const isKnown = items.some(({ id }) => id !== null);
  return (
    <Panel
      title={title}
      questions={[url]}
      error={error}
      isLoading={isLoading}
      isEmpty={items.length === 0}
      note={items.length > 0 && !isKnown ? (unknown ?? note) : note}
    >
      <Table<Ranked>
        caption={title}
        items={items}
        keyOf={({ id }) => id ?? ''}
        columns={[
          {
            name: FILTERS[name],
            isName: true,
            cell: ({ id, name: shown, share }) => (
              <span class="ranked">
                <span class="bar" style={{ width: `${Math.round(share * 100)}%` }} aria-hidden="true" />
                {id === null || id === '(others)' ? (
                  <span>{id === null ? none : 'All others'}</span>
                ) : (
                  <button
                    type="button"
                    class="link"
                    title={id}
                    aria-label={`Only ${FILTERS[name]} ${shown}`}
                    onClick={() => filter({ [name]: id })}
                  >
                    {shown}
                  </button>
                )}
              </span>
            ),
          },
          ...metrics.map((metric) => ({
            name: TOTALS[metric],
            isFigure: true,
            isOrder: metric === order,
            onOrder: () => filter({ order: metric === metrics[0] ? undefined : metric }),
            cell: ({ figures }: Ranked) => write(metric)(figures[metric]),
          })),
        ]}
      />
    </Panel>
  );
}

/** Why an event is not counted, in words. */
const REASONS: Readonly<Record<string, string>> = {
  counted: 'Counted',
  extractor: 'An extractor of Clowder',
  bot: 'A robot',
  ai_agent: 'An AI agent',
  excluded_user: 'An excluded user',
  excluded_network: 'An excluded network',
  excluded_agent: 'An excluded user agent',
  preview: 'Fetched by a page to show it',
  untracked: 'Clowder was asked not to count it',
  tool: 'A tool without a key or a user',
  repeat: 'A double click',
};

function NotCounted({ period }: WithPeriod) {
  const { client: _, reason: __, ...asked } = useQuestion({ period });
  const url = statsUrl({ metric: 'views,downloads,events', by: 'reason', ...asked });
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const items = answer === undefined ? [] : rankedOf(answer, 'reason', 'events', ['views', 'downloads', 'events']);
  return (
    <Panel
      title="What was counted, and what was not"
      questions={[url]}
      error={error}
      isLoading={isLoading}
      isEmpty={items.length === 0}
    >
      <Table<Ranked>
        caption="Events by the reason why they are not counted"
        items={items}
        keyOf={({ name }) => name}
        columns={[
          {
            name: 'Reason',
            isName: true,
            cell: ({ name, share }) => (
              <span class="ranked">
                <span class="bar" style={{ width: `${Math.round(share * 100)}%` }} aria-hidden="true" />
                <span>{REASONS[name] ?? name}</span>
              </span>
            ),
          },
          ...['views', 'downloads', 'events'].map((metric) => ({
            name: metric === 'events' ? 'All events' : TOTALS[metric as 'views'],
            isFigure: true,
            cell: ({ figures }: Ranked) => count(figures[metric]),
          })),
        ]}
      />
    </Panel>
  );
}

function Unseen() {
  return (
    <Panel title="What cannot be seen">
      <ul class="plain">
        <li>
          <b>Presigned links.</b> Clowder hands out a link, and the bytes come from the object store. The download
          counts, but its size, and whether it was complete, are not known.
        </li>
        <li>
          <b>Requests that bypass the proxy.</b> Requests to Clowder or its storage on a port that neither the proxy nor
          the access log covers are not seen.
        </li>
        <li>
          <b>Copies.</b> Use of downloaded files, or of a mirror, is not seen.
        </li>
        <li>
          <b>People who opted out.</b> In browsers with Do Not Track or Global Privacy Control, the snippet reports
          nothing. Their requests are still seen.
        </li>
      </ul>
    </Panel>
  );
}
