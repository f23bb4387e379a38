import type { Reading } from '../api.ts';
import { layersBy, windowsOf } from '../figures.ts';
import { ago, brief, bytes, count, duration, milliseconds, percent, time, type Figure } from '../format.ts';
import { extractorsOf, type Extractor } from '../extractors.ts';
import { Chart } from '../parts/chart.tsx';
import { Panel } from '../parts/panel.tsx';
import { PeriodChoice } from '../parts/period-choice.tsx';
import { usePicture } from '../parts/picture.ts';
import { State, Table } from '../parts/table.tsx';
import { columnsOf, periodOf, zoomTo, type Period } from '../period.ts';
import { statsUrl } from '../question.ts';
import { useApp, useAsk, useNow } from '../state.ts';

const EVERY_MS = 30_000;
/** More columns than this cannot be told apart. */
const WINDOWS_MOST = 120;
const OVERVIEW = '/api/v1/overview';

/** Extractors, queues, components, the web server. */
export function MachinesPage() {
  const { address, zone } = useApp();
  const now = useNow(60_000);
  const period = periodOf({ period: '24h', ...address.params }, now, zone);
  const preset = address.params['from'] === undefined ? (address.params['period'] ?? '24h') : '';
  return (
    <>
      <h1>Machines</h1>
      <div class="filters" role="group" aria-label="Filters">
        <PeriodChoice preset={preset} />
        {preset === '' && <span>{period.name}</span>}
      </div>
      <div class="grid">
        <Extractors period={period} />
        <Components period={period} />
        <OverTime
          period={period}
          title="Response time"
          metric="response_time_ms_p95"
          format={milliseconds}
          note="95th percentile of each component, from the readings of the monitor."
        />
        <OverTime
          period={period}
          title="Uptime"
          metric="uptime_percent"
          format={percent}
          note="Share of the readings that were good."
        />
        <Queues />
        <Certificates />
        <WebServer />
      </div>
    </>
  );
}

interface WithPeriod {
  readonly period: Period;
}

function useAskedPeriod({ from, to }: Period): Record<string, string> {
  const { zone } = useApp();
  return { from, to, time_zone: zone };
}

function Extractors({ period }: WithPeriod) {
  const { overview } = useApp();
  const asked = useAskedPeriod(period);
  const url = statsUrl({
    metric: 'jobs,jobs_failed,wait_ms_p50,wait_ms_p95,run_ms_p50,run_ms_p95',
    by: 'extractor',
    ...asked,
  });
  const openUrl = statsUrl({ metric: 'jobs', by: 'extractor', ...asked, outcome: 'open' });
  const jobs = useAsk(url, EVERY_MS);
  const open = useAsk(openUrl, EVERY_MS);
  const items = extractorsOf(overview.answer?.probes ?? [], jobs.answer?.rows ?? [], open.answer?.rows ?? []);
  return (
    <Panel
      title="Extractors"
      questions={[url, openUrl, OVERVIEW]}
      error={jobs.error}
      isLoading={jobs.isLoading}
      isEmpty={items.length === 0}
      wide
      note="State and Waiting are the latest readings of the monitor. Working counts jobs that were queued in this period and have not ended."
    >
      <Table<Extractor>
        caption="Extractors"
        items={items}
        keyOf={({ name }) => name}
        columns={[
          { name: 'Extractor', isName: true, cell: ({ name }) => name },
          {
            name: 'State',
            cell: ({ alive }) => (
              <State tone={alive === null ? 'none' : alive ? 'good' : 'bad'}>
                {alive === null ? 'not watched' : alive ? 'alive' : 'silent'}
              </State>
            ),
          },
          { name: 'Waiting', isFigure: true, cell: ({ waiting }) => count(waiting) },
          { name: 'Working', isFigure: true, cell: ({ open: many }) => count(many) },
          { name: 'Jobs', isFigure: true, cell: ({ jobs: many }) => count(many) },
          { name: 'Failed', isFigure: true, cell: ({ failed }) => count(failed) },
          { name: 'Wait p50', isFigure: true, cell: ({ wait }) => milliseconds(wait[0]) },
          { name: 'Wait p95', isFigure: true, cell: ({ wait }) => milliseconds(wait[1]) },
          { name: 'Run p50', isFigure: true, cell: ({ run }) => milliseconds(run[0]) },
          { name: 'Run p95', isFigure: true, cell: ({ run }) => milliseconds(run[1]) },
          {
            name: 'Stuck',
            isLong: true,
            cell: ({ stuck }) => (stuck === null ? '' : <State tone="bad">{stuck}</State>),
          },
        ]}
      />
    </Panel>
  );
}

function Components({ period }: WithPeriod) {
  const url = statsUrl({
    metric: 'uptime_percent,response_time_ms_p50,response_time_ms_p95',
    by: 'component',
    ...useAskedPeriod(period),
  });
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const items = (answer?.rows ?? []).toSorted(
    (a, b) => Number(a['uptime_percent'] ?? 101) - Number(b['uptime_percent'] ?? 101),
  );
  return (
    <Panel
      title="Components"
      questions={[url]}
      error={error}
      isLoading={isLoading}
      isEmpty={items.length === 0}
      note="Half of the answers took p50 or less, and 95 % took p95 or less."
      wide
    >
      <Table
        caption="Uptime and response time by component"
        items={items}
        keyOf={(row) => String(row['component'])}
        columns={[
          { name: 'Component', isName: true, cell: (row) => row['component'] ?? '(none)' },
          { name: 'Uptime', isFigure: true, cell: (row) => percent(row['uptime_percent'] as Figure) },
          {
            name: 'p50',
            isFigure: true,
            cell: (row) => milliseconds(row['response_time_ms_p50'] as Figure),
          },
          {
            name: 'p95',
            isFigure: true,
            cell: (row) => milliseconds(row['response_time_ms_p95'] as Figure),
          },
        ]}
      />
    </Panel>
  );
}

interface OverTimeProps extends WithPeriod {
  readonly title: string;
  readonly metric: string;
  readonly format: (value: Figure) => string;
  readonly note: string;
}

function OverTime({ period, title, metric, format, note }: OverTimeProps) {
  const { zone, filter } = useApp();
  const { picture, onDrawn } = usePicture();
  const url = statsUrl({ metric, by: `${period.unit},component`, ...useAskedPeriod(period) });
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const columns = columnsOf(period, zone);
  const layers = layersBy(answer?.rows ?? [], period.unit, columns, { metric, by: 'component', most: 8, empty: null });
  return (
    <Panel
      title={title}
      questions={[url]}
      {...(picture !== undefined && { picture })}
      error={error}
      isLoading={isLoading}
      isEmpty={layers.length === 0}
      note={note}
    >
      <Chart
        label={`${title}, by ${period.unit} and component`}
        columns={columns}
        series={layers.map(({ name, values }, index) => ({ name, values, colour: index + 1 }))}
        format={format}
        form="lines"
        onZoom={(first, last) => filter(zoomTo(columns, first, last, period.unit, zone) ?? {})}
        onDrawn={onDrawn}
      />
    </Panel>
  );
}

function Queues() {
  const { overview } = useApp();
  const items = (overview.answer?.probes ?? []).filter(({ measures }) => typeof measures['queue_length'] === 'number');
  const now = overview.answer?.now_ms ?? 0;
  const figure =
    (name: string) =>
    ({ measures }: Reading) =>
      count(measures[name] as Figure);
  return (
    <Panel title="Queues" questions={[OVERVIEW]} isEmpty={items.length === 0}>
      <Table<Reading>
        caption="Queues of RabbitMQ"
        items={items}
        keyOf={({ component, target }) => `${component ?? ''} ${target}`}
        columns={[
          { name: 'Queue', isName: true, cell: ({ target }) => target.replace(/^queue /, '') },
          {
            name: 'State',
            cell: ({ healthy, error }) => (
              <State tone={healthy ? 'good' : 'bad'}>{healthy ? 'up' : (error ?? 'down')}</State>
            ),
          },
          { name: 'Messages', isFigure: true, cell: figure('queue_length') },
          { name: 'Consumers', isFigure: true, cell: figure('consumers') },
          { name: 'Unacknowledged', isFigure: true, cell: figure('messages_unacknowledged') },
          { name: 'Read', cell: ({ at_ms }) => ago(at_ms, now) },
        ]}
      />
    </Panel>
  );
}

/** A certificate that expires sooner is marked. */
const DAYS_FEW = 14;

function Certificates() {
  const { overview } = useApp();
  const daysOf = ({ measures }: Reading): number => Number(measures['tls_days_left']);
  const items = (overview.answer?.probes ?? []).filter(({ measures }) => typeof measures['tls_days_left'] === 'number').toSorted((a, b) => daysOf(a) - daysOf(b)); // prettier-ignore
  return (
    <Panel title="Certificates" questions={[OVERVIEW]} isEmpty={items.length === 0}>
      <Table<Reading>
        caption="Certificates"
        items={items}
        keyOf={({ component, target }) => `${component ?? ''} ${target}`}
        columns={[
          { name: 'Address', isName: true, cell: ({ target }) => target },
          { name: 'Days left', isFigure: true, cell: (reading) => count(Math.floor(daysOf(reading))) },
          {
            name: 'State',
            cell: (reading) => (
              <State tone={daysOf(reading) < 0 ? 'bad' : daysOf(reading) < DAYS_FEW ? 'warn' : 'good'}>
                {daysOf(reading) < 0 ? 'expired' : daysOf(reading) < DAYS_FEW ? 'ends soon' : 'good'}
              </State>
            ),
          },
        ]}
      />
    </Panel>
  );
}

const CLASSES = { responses_2xx: '2xx', responses_3xx: '3xx', responses_4xx: '4xx', responses_5xx: '5xx' } as const;
const CLASS_COLOURS = [3, 1, 2, 5];

/** Windows seen by NGINX, read from the journal: available even if nothing is counted. */
function WebServer() {
  const { zone } = useApp();
  const { picture, onDrawn } = usePicture(3);
  const url = '/api/v1/events?type=health.connections&limit=1000';
  const { answer, error, isLoading } = useAsk(url, EVERY_MS);
  const windows = windowsOf(answer?.events ?? [], WINDOWS_MOST);
  const columns = windows.map((window) => time(window['window_start'] ?? 0, zone).slice(5, 16));
  const valuesOf = (name: string): number[] =>
    windows.map((window) => (window[name] ?? 0) + (window[`bot_${name}`] ?? 0));
  const span =
    windows.length > 1 ? ((windows[1]?.['window_start'] ?? 0) - (windows[0]?.['window_start'] ?? 0)) / 1000 : undefined;
  return (
    <Panel
      title="Web server"
      questions={[url]}
      {...(picture !== undefined && { picture })}
      error={error}
      isLoading={isLoading}
      isEmpty={windows.length === 0}
      wide
      note={
        <>
          From the access log of NGINX, with the requests of bots.
          {span === undefined ? '' : ` Each column is ${duration(span)}.`}
        </>
      }
    >
      <div class="columns">
        <Chart
          label="Responses by status class"
          columns={columns}
          series={Object.entries(CLASSES).map(([name, title], index) => ({
            name: title,
            values: valuesOf(name),
            colour: CLASS_COLOURS[index] ?? 1,
          }))}
          format={brief}
          onDrawn={onDrawn}
        />
        <Chart
          label="Connections"
          columns={columns}
          series={[{ name: 'Connections', values: valuesOf('connections'), colour: 4 }]}
          format={brief}
          onDrawn={onDrawn}
        />
        <Chart
          label="Bytes sent"
          columns={columns}
          series={[{ name: 'Bytes', values: valuesOf('bytes'), colour: 2 }]}
          format={bytes}
          isBytes
          onDrawn={onDrawn}
        />
      </div>
    </Panel>
  );
}
