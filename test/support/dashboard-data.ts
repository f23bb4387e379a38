import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';

/** An event as stated over OTLP; `created` becomes the record's time. */
type Stated = { readonly event: string; readonly created: number } & Readonly<
  Record<string, string | number | boolean>
>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 27;

const AGENTS = {
  person: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  script: 'python-requests/2.32.0',
  bot: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  extractor: 'pyclowder/3.0.8',
} as const;
export type Who = keyof typeof AGENTS;
const KINDS: Readonly<Record<Who, string>> = { person: 'browser', script: 'api', bot: 'bot', extractor: 'extractor' };

const DATASETS = ['Soil moisture 2026', 'River gauges', 'Leaf scans', 'Snow depth', 'Insect counts', 'Lidar tiles'];
const TYPES = ['text/csv', 'image/tiff', 'application/netcdf', 'image/jpeg', 'application/pdf'];
const USERS = ['Ana', 'Ben', 'Chidi', 'Dora', 'Emil'];
const EXTRACTORS = ['ncsa.wordcount', 'ncsa.image.preview', 'terra.lidar'];
/** Networks in the test's table of countries. */
export const COUNTRIES = [['203.0.113.0/24', 'DE'], ['198.51.100.0/24', 'US'], ['192.0.2.0/24', 'KE']] as const; // prettier-ignore
const ADDRESSES = ['203.0.113.0', '198.51.100.0', '192.0.2.0', '100.64.0.0'];
const REFERRERS = ['https://doi.org/10.1/x', 'https://www.google.com/', 'https://lab.example.org/data'];

const pick = <T>(from: readonly T[], index: number): T => from[index % from.length] as T;
const idOf = (kind: string, index: number): string => kind + index.toString(16).padStart(24 - kind.length, '0');

/** Views and downloads of each kind of client per day: small formulas that make the days differ. */
const AMOUNTS: Readonly<
  Record<Who, { readonly views: (day: number) => number; readonly downloads: (day: number) => number }>
> = {
  person: { views: (day) => 9 + ((day * 7) % 13), downloads: (day) => 3 + (day % 6) },
  script: { views: () => 0, downloads: (day) => 1 + (day % 3) },
  bot: { views: (day) => 4 + (day % 4), downloads: () => 1 },
  extractor: { views: () => 0, downloads: (day) => 2 + (day % 4) },
};
const uploadsOn = (day: number): number => day % 4;

/** Four weeks of a lab's activity, ending an hour before now. */
export function dashboardEvents(nowMs: number): readonly Stated[] {
  const events: Stated[] = [];
  const start = Math.floor(nowMs / HOUR_MS) * HOUR_MS - HOUR_MS;
  let number = 0;
  for (let day = 0; day < DAYS; day += 1) {
    for (const who of Object.keys(AGENTS) as Who[]) {
      const { views, downloads } = AMOUNTS[who];
      for (let index = 0; index < views(day); index += 1) events.push(...visit('view.resource', who, day, index));
      for (let index = 0; index < downloads(day); index += 1) events.push(...visit('view.download', who, day, index));
    }
    for (let index = 0; index < uploadsOn(day); index += 1) events.push(upload(day, index));
  }
  return [...events, ...jobs(start), ...readings(nowMs), ...windows(nowMs)].toSorted((a, b) => a.created - b.created);

  /** Minutes apart, so no two count as a double click. */
  function at(day: number): number {
    number += 1;
    return start - day * DAY_MS - (number % 540) * 60_000;
  }

  function visit(event: string, who: Who, day: number, index: number): readonly Stated[] {
    const dataset = (index * index + day) % DATASETS.length;
    const file = (index + day) % 9;
    const isDownload = event === 'view.download';
    return [
      {
        event,
        event_id: `${event}-${who}-${day}-${index}`,
        created: at(day),
        source: who === 'extractor' ? 'nginx' : 'proxy',
        user_agent: AGENTS[who],
        client_kind: KINDS[who],
        client_address: pick(ADDRESSES, index * 3 + day),
        ...(who !== 'bot' && { user_id: idOf('u', (index + day) % USERS.length), user_name: pick(USERS, index + day) }),
        resource_type: isDownload ? 'file' : 'dataset',
        resource_id: isDownload ? idOf('f', file) : idOf('d', dataset),
        resource_name: isDownload ? `plot-${file}.csv` : pick(DATASETS, dataset),
        dataset_id: idOf('d', dataset),
        space_id: idOf('s', dataset % 2),
        ...(isDownload && {
          bytes: (file + 1) * 1_000_000,
          complete: true,
          file_name: `plot-${file}.csv`,
          content_type: pick(TYPES, file),
        }),
        ...(!isDownload && { referrer: pick(REFERRERS, index), url: `https://clowder.example.org/datasets/${idOf('d', dataset)}` }), // prettier-ignore
      },
    ];
  }

  function upload(day: number, index: number): Stated {
    const file = (day * 3 + index) % 9;
    return {
      event: 'file.uploaded',
      event_id: `upload-${day}-${index}`,
      created: at(day),
      source: 'proxy',
      user_agent: AGENTS.person,
      client_kind: 'browser',
      user_id: idOf('u', index),
      user_name: pick(USERS, index),
      file_id: idOf('f', file),
      file_name: `plot-${file}.csv`,
      dataset_id: idOf('d', file % 6),
      bytes: 2_000_000,
      content_type: pick(TYPES, file),
    };
  }
}

function jobs(start: number): readonly Stated[] {
  return Array.from({ length: 90 }, (_, index): readonly Stated[] => {
    const queued = start - index * 5 * HOUR_MS;
    const about = {
      source: 'rabbitmq',
      job_id: `job-${index}`,
      extractor_name: pick(EXTRACTORS, index),
      file_id: idOf('f', index % 9),
    };
    const end = index % 9 === 4 ? 'extraction.failed' : 'extraction.done';
    return [
      { event: 'extraction.queued', event_id: `q-${index}`, created: queued, ...about },
      { event: 'extraction.working', event_id: `w-${index}`, created: queued + 2000 + (index % 5) * 500, ...about },
      // The latest are still running.
      ...(index < 2
        ? []
        : [{ event: end, event_id: `e-${index}`, created: queued + 9000 + (index % 7) * 4000, ...about }]),
    ];
  }).flat();
}

interface Target {
  readonly target: string;
  readonly component: string;
  readonly more: (index: number) => Readonly<Record<string, number | string | boolean>>;
}

const TARGETS: readonly Target[] = [
  { target: 'https://clowder.example.org/healthz', component: 'clowder', more: (index) => ({ response_time_ms: 40 + ((index * 13) % 30), tls_days_left: 61 }) }, // prettier-ignore
  { target: 'https://idp.example.org/', component: 'keycloak', more: (index) => ({ response_time_ms: 90 + ((index * 7) % 50), tls_days_left: 9 }) }, // prettier-ignore
  { target: 'mongo:27017', component: 'mongo', more: (index) => ({ response_time_ms: 2 + (index % 3) }) },
  { target: 'amqp://rabbitmq:5672', component: 'rabbitmq', more: (index) => ({ response_time_ms: 6 + (index % 5) }) },
  { target: 'queue event.sink', component: 'rabbitmq', more: (index) => ({ queue_length: index % 4, consumers: 1 }) },
  { target: 'queue clowder.sink.matomo.dead', component: 'rabbitmq', more: () => ({ queue_length: 3, consumers: 0 }) },
  { target: '/var/lib/clowder', component: 'disk', more: () => ({ disk_used_percent: 61, disk_free_bytes: 4e11 }) },
  { target: 'extractor ncsa.wordcount', component: 'ncsa.wordcount', more: () => ({ queue_length: 2, consumers: 2 }) },
  { target: 'extractor ncsa.image.preview', component: 'ncsa.image.preview', more: () => ({ queue_length: 0, consumers: 1 }) }, // prettier-ignore
];

function readings(nowMs: number): readonly Stated[] {
  return Array.from({ length: 48 }, (_, index) => TARGETS.map((target) => reading(target, nowMs, index))).flat();
}

function reading({ target, component, more }: Target, nowMs: number, index: number): Stated {
  const isDown = component === 'keycloak' && index >= 20 && index < 23;
  return {
    event: 'health.ping',
    event_id: `ping-${target}-${index}`,
    created: nowMs - 5000 - index * 30 * 60_000,
    source: 'monitor',
    target,
    component,
    healthy: !isDown,
    ...(isDown && { error: 'It answered 502' }),
    ...more(index),
  };
}

function windows(nowMs: number): readonly Stated[] {
  const end = Math.floor(nowMs / 60_000) * 60_000;
  return Array.from({ length: 60 }, (_, index) => ({
    event: 'health.connections',
    event_id: `window-${index}`,
    created: end - index * 60_000,
    source: 'nginx',
    component: 'nginx',
    window_start: end - (index + 1) * 60_000,
    window_end: end - index * 60_000,
    requests: 40 + ((index * 11) % 37),
    connections: 8 + (index % 9),
    responses_2xx: 30 + ((index * 7) % 29),
    responses_3xx: 6,
    responses_4xx: 3 + (index % 3),
    responses_5xx: index % 17 === 0 ? 2 : 0,
    bytes: 400_000 + ((index * 90_001) % 700_000),
  }));
}

/** Sends the events as telemetry, so that each keeps its own `source`. */
export async function sendEvents(url: string, events: readonly Stated[], key?: string): Promise<void> {
  for (let from = 0; from < events.length; from += 500) {
    const body = JSON.stringify({
      resourceLogs: [{ scopeLogs: [{ logRecords: events.slice(from, from + 500).map(toRecord) }] }],
    });
    const headers = {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    };
    const answer = await fetch(`${url}/v1/logs`, { method: 'POST', headers, body });
    const said: unknown = await answer.json();
    if (!answer.ok || JSON.stringify(said).includes('rejected')) throw new Error(JSON.stringify(said));
  }
}

const ATTRIBUTES: Readonly<Record<string, string>> = ATTRIBUTE_OF_FIELD;

function toRecord({ event, created, ...fields }: Stated): object {
  return {
    timeUnixNano: `${created}000000`,
    eventName: `clowder.${event}`,
    attributes: Object.entries(fields).map(([field, value]) => ({ key: ATTRIBUTES[field], value: anyValue(value) })),
  };
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
