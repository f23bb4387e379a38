import { gzipSync } from 'node:zlib';

/** A report for DataCite's hub, as `rd1Json` makes it. */
export interface HubReport {
  readonly 'report-header': { readonly exceptions: readonly object[] };
  readonly 'report-datasets': readonly object[];
}

/** Content of one request. */
export interface Part {
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Limits {
  /** Most datasets in one request. */
  readonly datasets: number;
  /** Most bytes of uncompressed JSON. */
  readonly plainBytes: number;
}

/** What the hub takes in one request; above that, it requires gzip. */
const HUB_LIMITS: Limits = { datasets: 50_000, plainBytes: 5 * 1024 * 1024 };

/** Without this exception, the hub takes a compressed report for a broken one. */
const COMPRESSED = {
  code: 69,
  severity: 'warning',
  message: 'report is compressed using gzip',
  'help-url': 'https://github.com/datacite/sashimi',
  data: 'usage data needs to be uncompressed',
};

/** The report as requests: one of JSON if it is small, otherwise gzip, in as many parts as the hub's bound requires. */
export function partsOf(report: HubReport, { datasets: most, plainBytes }: Limits = HUB_LIMITS): readonly Part[] {
  const header = report['report-header'];
  const datasets = report['report-datasets'];
  const plain = JSON.stringify({ 'report-header': header, 'report-datasets': datasets });
  if (datasets.length <= most && Buffer.byteLength(plain) <= plainBytes)
    return [{ body: plain, headers: { 'content-type': 'application/json' } }];
  const told = { ...header, exceptions: [...header.exceptions, COMPRESSED] };
  return Array.from({ length: Math.ceil(datasets.length / most) }, (_, index) => ({
    body: gzipSync(
      JSON.stringify({ 'report-header': told, 'report-datasets': datasets.slice(index * most, (index + 1) * most) }),
    ),
    headers: { 'content-type': 'application/gzip', 'content-encoding': 'gzip' },
  }));
}
