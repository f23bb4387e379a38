import type { DashboardSpec, PanelSpec } from './dashboards.ts';

/** Of Grafana 12.1 and later; a newer Grafana upgrades it on loading. */
const SCHEMA_VERSION = 42;
const COLUMNS = 24;
const HEIGHT = { stat: 4, timeseries: 8, bars: 8, table: 10 } as const satisfies Record<PanelSpec['kind'], number>;

interface Source {
  readonly type: string;
  readonly label: string;
  readonly refresh: string;
  readonly from: string;
  /** A panel's query to this source. */
  readonly target: (query: string, legend: string, kind: PanelSpec['kind']) => object;
}
const SOURCES = {
  prometheus: {
    type: 'prometheus',
    label: 'Data source',
    refresh: '30s',
    from: 'now-6h',
    target: (expr, legendFormat) => ({ expr, legendFormat, range: true, editorMode: 'code' }),
  },
  postgresql: {
    type: 'grafana-postgresql-datasource',
    label: 'Data source',
    refresh: '',
    from: 'now-90d',
    target: (rawSql, _legend, kind) => ({
      rawSql,
      rawQuery: true,
      format: kind === 'table' ? 'table' : 'time_series',
      editorMode: 'code',
    }),
  },
} as const satisfies Record<DashboardSpec['source'], Source>;

/** JSON of a dashboard that Grafana imports, or loads from a directory; the user chooses the data source on the page. */
export function grafanaJson(name: string, spec: DashboardSpec): string {
  const { type, refresh, from } = SOURCES[spec.source];
  const places = placesOf(spec.panels);
  const panels = spec.panels.map((panel, index) =>
    panelJson(panel, SOURCES[spec.source], { id: index + 1, gridPos: places[index] }),
  );
  const dashboard = {
    uid: `clowder-otel-${name}`,
    title: spec.title,
    tags: ['clowder-otel'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    refresh,
    time: { from, to: 'now' },
    timezone: 'browser',
    links: [{ type: 'dashboards', title: 'Clowder', tags: ['clowder-otel'], asDropdown: true, keepTime: true }],
    templating: { list: [sourceVariable(SOURCES[spec.source]), ...ownVariables(spec, type)] },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** From left to right, in rows as high as their highest panel. */
function placesOf(panels: readonly PanelSpec[]): readonly object[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map(({ width: w = 8, kind }) => {
    if (x + w > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const place = { x, y, w, h: HEIGHT[kind] };
    [x, rowHeight] = [x + w, Math.max(rowHeight, place.h)];
    return place;
  });
}

const sourceVariable = ({ type, label }: Source): object => ({
  name: 'datasource',
  label,
  type: 'datasource',
  query: type,
  current: {},
});

/** Variables for the jobs and instances to show, or for the sink's schema. */
function ownVariables({ instancesOf }: DashboardSpec, type: string): readonly object[] {
  if (instancesOf === undefined) {
    const current = { text: 'clowder', value: 'clowder' };
    return [{ name: 'schema', label: 'Schema', type: 'textbox', query: 'clowder', current, options: [current] }];
  }
  return [
    choice('job', 'Job', `label_values(${instancesOf}, job)`, type),
    choice('instance', 'Instance', `label_values(${instancesOf}{job=~"$job"}, instance)`, type),
  ];
}

/** A list that allows several choices; at first all are chosen. */
const choice = (name: string, label: string, query: string, type: string): object => ({
  name,
  label,
  type: 'query',
  datasource: { type, uid: '${datasource}' },
  definition: query,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: '.+',
  current: { text: ['All'], value: ['$__all'] },
});

function panelJson(panel: PanelSpec, source: Source, place: object): object {
  const { title, kind, queries, description } = panel;
  const datasource = { type: source.type, uid: '${datasource}' };
  return {
    ...place,
    title,
    type: kind === 'bars' ? 'timeseries' : kind,
    description,
    datasource,
    targets: Object.entries(queries).map(([legend, query], index) =>
      Object.assign({ refId: String.fromCodePoint(65 + index), datasource }, source.target(query, legend, kind)),
    ),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: kind === 'table' ? BYTES_COLUMNS : [] },
    options: OPTIONS[kind],
  };
}

const LEGEND = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
};
const OPTIONS = {
  timeseries: LEGEND,
  bars: LEGEND,
  stat: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value', graphMode: 'area' },
  table: { showHeader: true, cellHeight: 'sm' },
} as const satisfies Record<PanelSpec['kind'], object>;

/** In a table of several units, columns of bytes appear as bytes. */
const BYTES_COLUMNS = [
  { matcher: { id: 'byRegexp', options: '/^bytes/' }, properties: [{ id: 'unit', value: 'bytes' }] },
];

const DRAWN = {
  timeseries: { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, spanNulls: false },
  bars: { drawStyle: 'bars', lineWidth: 0, fillOpacity: 80 },
  stat: {},
  table: {},
} as const satisfies Record<PanelSpec['kind'], object>;

const YES_OR_NO = [{ type: 'value', options: { 0: { text: 'no' }, 1: { text: 'yes' } } }];

function fieldDefaults({ kind, unit = 'short', stacked, warn }: PanelSpec): object {
  return {
    ...(kind !== 'table' && { unit }),
    ...((kind === 'timeseries' || kind === 'bars') && { min: 0 }),
    ...(warn === 'no' && { mappings: YES_OR_NO }),
    thresholds: { mode: 'absolute', steps: stepsOf(warn) },
    custom: { ...DRAWN[kind], ...(stacked && { stacking: { mode: 'normal', group: 'A' } }) },
  };
}

function stepsOf(warn: PanelSpec['warn']): readonly object[] {
  const from = (color: string, value: number | null): object => ({ color, value });
  if (warn === undefined) return [from('blue', null)];
  return warn === 'no' ? [from('red', null), from('green', 1)] : [from('green', null), from('orange', warn)];
}
