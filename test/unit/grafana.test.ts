import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dashboardFile, DASHBOARDS, GRAFANA_DIR, type DashboardSpec } from '../../tools/grafana/dashboards.ts';
import { grafanaJson } from '../../tools/grafana/json.ts';
import { askedFor, ownMetrics, PROGRAMS, samplesOf } from '../support/own-metrics.ts';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: Place;
  readonly description: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly { readonly refId: string; readonly expr?: string; readonly rawSql?: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly panels: readonly Panel[];
}

const metrics = ownMetrics();
const names = Object.keys(DASHBOARDS);
const specs: Readonly<Record<string, DashboardSpec>> = DASHBOARDS;
const textOf = (name: string): string => readFileSync(dashboardFile(name), 'utf8');
const read = (name: string): Dashboard => JSON.parse(textOf(name)) as Dashboard;
const expressions = (name: string): readonly string[] =>
  read(name).panels.flatMap(({ targets }) => targets.map(({ expr, rawSql }) => expr ?? rawSql ?? ''));

const overlap = (one: Place, other: Place): boolean =>
  one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;

describe('deploy/grafana', () => {
  test('has a dashboard for each program and one for usage, and no other file', () => {
    expect(names).toEqual([...PROGRAMS, 'usage']);
    expect(readdirSync(GRAFANA_DIR).toSorted()).toEqual(names.map((name) => `${name}.json`).toSorted());
  });

  test.each(names)('has the dashboard %s of tools/grafana: run "npm run docs"', (name) => {
    const spec = specs[name];
    expect(spec && grafanaJson(name, spec)).toBe(textOf(name));
  });

  test('gives each dashboard a uid and a title of its own', () => {
    expect(new Set(names.map((name) => read(name).uid)).size).toBe(names.length);
    expect(new Set(names.map((name) => read(name).title)).size).toBe(names.length);
  });

  test.each(names)("has %s in Grafana's current schema, with panels that have distinct ids and places", (name) => {
    const { uid, schemaVersion, panels } = read(name);
    expect(uid).toMatch(/^[\w-]{1,40}$/);
    expect(schemaVersion).toBe(42);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { targets } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    for (const [index, { gridPos }] of panels.entries()) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (const other of panels.slice(index + 1)) expect(overlap(gridPos, other.gridPos)).toBe(false);
    }
  });

  test.each(names)('says in each panel of %s what it shows, and in which unit', (name) => {
    const unclear = read(name).panels.filter(
      ({ type, description, fieldConfig }) =>
        !description || (type !== 'table' && fieldConfig.defaults.unit === undefined),
    );
    expect(unclear.map(({ title }) => title)).toEqual([]);
  });

  test.each(names)('has a choice of the data source in %s, and its panels use nothing else', (name) => {
    const { templating, panels } = read(name);
    const variables = templating.list.map((variable) => variable.name);
    expect(variables).toContain('datasource');
    for (const { datasource } of panels) expect(datasource.uid).toBe('${datasource}');
    const used = [...textOf(name).matchAll(/\$(?!__)\{?(\w+)/g)].map(([, variable = '']) => variable);
    expect(variables.toSorted()).toEqual([...new Set(used)].toSorted());
  });

  test.each(PROGRAMS)(
    'queries for the %s its own metrics, with existing labels, for the chosen jobs and instances',
    (name) => {
      const own = new Map(
        metrics
          .filter(({ program }) => program === name)
          .flatMap((one) => samplesOf(one).map((sample) => [sample, one])),
      );
      for (const expression of expressions(name)) {
        const asked = askedFor(expression);
        expect(asked).not.toEqual([]);
        for (const { name: metric, labels } of asked) {
          expect([...own.keys()]).toContain(metric);
          expect(labels).toEqual(expect.arrayContaining(['job', 'instance']));
          for (const label of labels) expect([...(own.get(metric)?.labels ?? []), 'job', 'instance']).toContain(label);
        }
      }
      const instances = read(name).templating.list.find((variable) => variable.name === 'instance');
      expect(askedFor(JSON.stringify(instances?.query)).map((one) => own.has(one.name))).toEqual([true]);
    },
  );

  test.each(PROGRAMS)('rates counters of the %s, and nothing else', (name) => {
    const typeOf = new Map(metrics.flatMap((one) => samplesOf(one).map((sample) => [sample, one.type] as const)));
    for (const expression of expressions(name))
      for (const [, rate, metric = ''] of expression.matchAll(/(\brate\()?\b((?:clowder|process)_\w+)\{/g)) {
        const isCounter = ['counter', 'histogram'].includes(typeOf.get(metric) ?? '');
        expect([metric, rate !== undefined]).toEqual([metric, isCounter]);
      }
  });

  test.each(PROGRAMS)('shows every metric of the %s except those that are no curve or are part of others', (name) => {
    const shown = new Set(expressions(name).flatMap((expression) => askedFor(expression).map((one) => one.name)));
    const own = metrics.filter((one) => one.program === name && one.name.startsWith('clowder_'));
    const missing = own.filter((one) => !samplesOf(one).some((sample) => shown.has(sample)));
    expect(missing.map((one) => one.name)).toEqual(LEFT_OUT[name]);
  });
});

/** Metrics that are no curve: versions, and figures that are part of others. */
const LEFT_OUT: Readonly<Record<(typeof PROGRAMS)[number], readonly string[]>> = {
  collector: ['clowder_otel_waiting_events_total', 'clowder_otel_build_info', 'clowder_otel_journal_commits_total'],
  proxy: [],
  monitor: [
    'clowder_monitor_http_status_code',
    'clowder_monitor_uptime',
    'clowder_monitor_reported_uptime',
    'clowder_monitor_download_size',
    'clowder_monitor_queue_unacknowledged',
    'clowder_monitor_rabbitmq_connections',
    'clowder_monitor_disk_free',
    'clowder_monitor_disk_total',
  ],
  sinks: [],
};
