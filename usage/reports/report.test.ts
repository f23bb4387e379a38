import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { download, event, page } from '../../test/support/usage/cases.ts';
import { openArchiveStore } from '../input/archive-store.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { written } from './formats.ts';
import { REPORT_FORMATS, REPORT_KINDS, type ReportKind } from './kinds.ts';
import { makeReport, type MadeReport } from './report.ts';
import { checkRequest, type Asked } from './request.ts';
import { loadSite, type Site } from './settings.ts';

const NOW = Date.UTC(2026, 10, 29);
const ana = { user_id: 'ana' };
const script = { user_agent: 'python-requests/2.32.3', client_id: 'c9', auth_method: 'api_key' };
const stranger = { user_agent: 'curl/8.5.0', client_id: 'c8' };

/**
 * d1 in October: Ana views its page at 10:00 and downloads two files at 10:05 and 10:06: 3 investigations, of which 2 are
 * requests, in one session (ana, 10 o'clock). A script with a key downloads one file: 1 investigation and request, TDM in
 * Release 5.1 and machine in the Code for Research Data. curl without a key downloads one: excluded by 5.1, machine in the
 * other. d2: its page once on 31 October at 23:59. September: d1's page once. A file of no known dataset, once: nowhere.
 */
const EVENTS = [
  page('10:00:00', ana),
  download('10:05:00', ana, 'f1'),
  download('10:06:00', ana, 'f2'),
  download('11:00:00', script, 'f1'),
  download('12:00:00', stranger, 'f1'),
  page('2026-10-31T23:59:00Z', ana, 'd2'),
  page('2026-09-30T10:00:00Z', ana),
  event('view.download', '2026-10-06T10:00:00Z', { resource_type: 'file', resource_id: 'f9', bytes: 5, ...ana }),
];

const CATALOG: Catalog = new Map([
  [
    'd1',
    {
      dataset_id: 'd1',
      title: 'River gauges',
      creators: [{ name: 'Ana Lima', orcid: '0000-0002-1825-0097' }],
      publisher: 'Lake Institute',
      publisher_id: 'ISNI:1234123412341234',
      year: 2024,
      publication_date: '2024-05-01',
      doi: '10.5072/river',
      url: 'https://doi.org/10.5072/river',
      access: 'Open' as const,
    },
  ],
]);

async function made(
  asked: Partial<Asked>,
  catalog?: Catalog,
  site: Site = loadSite({}),
  events = EVENTS,
): Promise<MadeReport> {
  const store = await openDuckdbStore();
  try {
    await store.ingest(events);
    const request = checkRequest({ kind: 'ir', from: '2026-10', to: '2026-10', timeZone: 'UTC', ...asked }, NOW);
    return await makeReport({ store, request, site, catalog });
  } finally {
    await store.close();
  }
}

const performance = (...counts: readonly (readonly [metric: string, count: number])[]): object =>
  Object.fromEntries(counts.map(([metric, count]) => [metric, { '2026-10': count }]));

describe('the Item Report', () => {
  test('has every dataset with its figures by access method, and no zeros', async () => {
    const { report } = await made({ kind: 'ir' });
    expect(report.json).toEqual({
      Report_Header: {
        Report_Name: 'Item Report',
        Report_ID: 'IR',
        Release: '5.1',
        Institution_Name: 'The World',
        Institution_ID: { Proprietary: ['Clowder:0000000000000000'] },
        Report_Filters: { Begin_Date: '2026-10-01', End_Date: '2026-10-31' },
        Report_Attributes: { Attributes_To_Show: ['Authors', 'Publication_Date', 'YOP', 'Access_Method'] },
        Created: '2026-11-01T00:00:00Z',
        Created_By: 'Clowder',
        Registry_Record: '',
      },
      Report_Items: [
        {
          Items: [
            {
              Item: 'd1',
              Publisher: 'Clowder',
              Platform: 'Clowder',
              Item_ID: { Proprietary: 'Clowder:d1' },
              Attribute_Performance: [
                {
                  Data_Type: 'Dataset',
                  YOP: '0001',
                  Access_Method: 'Regular',
                  Performance: performance(
                    ['Total_Item_Investigations', 3],
                    ['Total_Item_Requests', 2],
                    ['Unique_Item_Investigations', 1],
                    ['Unique_Item_Requests', 1],
                  ),
                },
                {
                  Data_Type: 'Dataset',
                  YOP: '0001',
                  Access_Method: 'TDM',
                  Performance: performance(
                    ['Total_Item_Investigations', 1],
                    ['Total_Item_Requests', 1],
                    ['Unique_Item_Investigations', 1],
                    ['Unique_Item_Requests', 1],
                  ),
                },
              ],
            },
            {
              Item: 'd2',
              Publisher: 'Clowder',
              Platform: 'Clowder',
              Item_ID: { Proprietary: 'Clowder:d2' },
              Attribute_Performance: [
                {
                  Data_Type: 'Dataset',
                  YOP: '0001',
                  Access_Method: 'Regular',
                  Performance: performance(['Total_Item_Investigations', 1], ['Unique_Item_Investigations', 1]),
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('names a dataset as the catalog does', async () => {
    const { report } = await made({ kind: 'ir' }, CATALOG);
    expect(report.json).toMatchObject({
      Report_Items: [
        {
          Items: [
            {
              Item: 'River gauges',
              Publisher: 'Lake Institute',
              Publisher_ID: { ISNI: ['1234123412341234'] },
              Authors: [{ Name: 'Ana Lima', ORCID: '0000-0002-1825-0097' }],
              Publication_Date: '2024-05-01',
              Item_ID: { DOI: '10.5072/river', Proprietary: 'Clowder:d1', URI: 'https://doi.org/10.5072/river' },
            },
            { Item: 'd2', Publisher: 'Clowder' },
          ],
        },
      ],
    });
  });

  test('shows the access type if it is known for every dataset', async () => {
    const site = loadSite({ REPORT_ACCESS_TYPE: 'Controlled' });
    const { report } = await made({ kind: 'ir' }, CATALOG, site);
    expect(JSON.stringify(report.json).match(/"Access_Type":"\w+"/g)).toEqual([
      '"Access_Type":"Open"',
      '"Access_Type":"Open"',
      '"Access_Type":"Controlled"',
    ]);
  });

  test("is a table in COUNTER's form: header, blank row, columns, months", async () => {
    const { report } = await made({ kind: 'ir', from: '2026-09' }, CATALOG);
    const lines = written(report, 'tsv').split('\n');
    expect(lines.slice(0, 18)).toEqual([
      'Report_Name\tItem Report',
      'Report_ID\tIR',
      'Release\t5.1',
      'Institution_Name\tThe World',
      'Institution_ID\tClowder:0000000000000000',
      'Metric_Types\t',
      'Report_Filters\t',
      'Report_Attributes\tAttributes_To_Show=Authors|Publication_Date|YOP|Access_Method',
      'Exceptions\t',
      'Reporting_Period\tBegin_Date=2026-09-01; End_Date=2026-10-31',
      'Created\t2026-11-01T00:00:00Z',
      'Created_By\tClowder',
      'Registry_Record\t',
      '',
      'Item\tPublisher\tPublisher_ID\tPlatform\tAuthors\tPublication_Date\tDOI\tProprietary_ID\tISBN\tPrint_ISSN\tOnline_ISSN\tURI\tData_Type\tYOP\tAccess_Method\tMetric_Type\tReporting_Period_Total\tSep-2026\tOct-2026',
      // The page in September adds one.
      'River gauges\tLake Institute\tISNI:1234123412341234\tClowder\tAna Lima (ORCID:0000-0002-1825-0097)\t2024-05-01\t10.5072/river\tClowder:d1\t\t\t\thttps://doi.org/10.5072/river\tDataset\t2024\tRegular\tTotal_Item_Investigations\t4\t1\t3',
      'River gauges\tLake Institute\tISNI:1234123412341234\tClowder\tAna Lima (ORCID:0000-0002-1825-0097)\t2024-05-01\t10.5072/river\tClowder:d1\t\t\t\thttps://doi.org/10.5072/river\tDataset\t2024\tRegular\tTotal_Item_Requests\t2\t0\t2',
      'River gauges\tLake Institute\tISNI:1234123412341234\tClowder\tAna Lima (ORCID:0000-0002-1825-0097)\t2024-05-01\t10.5072/river\tClowder:d1\t\t\t\thttps://doi.org/10.5072/river\tDataset\t2024\tRegular\tUnique_Item_Investigations\t2\t1\t1',
    ]);
  });

  test('says what is missing, and how much is of no known dataset', async () => {
    const { notes } = await made({ kind: 'ir' });
    expect(notes).toEqual([
      expect.stringMatching(
        /^1 views and downloads are of files whose dataset is not known, so no figure has them\. Run "usage catalog fetch"/,
      ),
      expect.stringContaining('2 of 2 datasets have no title.'),
      expect.stringContaining('2 of 2 datasets have no year of publication.'),
      expect.stringContaining('2 of 2 datasets have no DOI.'),
      expect.stringContaining('2 of 2 datasets have no creator.'),
      expect.stringContaining('2 of 2 datasets have no id of the publisher.'),
      expect.stringContaining('2 of 2 datasets have no access type.'),
    ]);
  });

  test('counts a file for the dataset in which the catalog has it', async () => {
    const files: Catalog = new Map([['d3', { dataset_id: 'd3', files: ['f9'] }]]);
    const { report, notes } = await made({ kind: 'ir' }, files);
    expect(JSON.stringify(report.json)).toContain('"Proprietary":"Clowder:d3"');
    expect(notes.join()).not.toContain('no figure');
  });
});

describe('the reports of the platform', () => {
  test('have in PR the sum of the datasets, by access method', async () => {
    const { report, notes } = await made({ kind: 'pr' });
    expect(report.json).toMatchObject({
      Report_Items: [
        {
          Platform: 'Clowder',
          Attribute_Performance: [
            {
              Data_Type: 'Dataset',
              Access_Method: 'Regular',
              Performance: performance(
                ['Total_Item_Investigations', 4],
                ['Total_Item_Requests', 2],
                ['Unique_Item_Investigations', 2],
                ['Unique_Item_Requests', 1],
              ),
            },
            { Access_Method: 'TDM', Performance: performance(['Total_Item_Investigations', 1]) },
          ],
        },
      ],
    });
    expect(notes).toHaveLength(1);
  });

  test('have in PR_P1 only requests by people', async () => {
    const { report } = await made({ kind: 'pr_p1' });
    expect(report.json).toMatchObject({
      Report_Items: [
        {
          Attribute_Performance: [
            { Performance: performance(['Total_Item_Requests', 2], ['Unique_Item_Requests', 1]) },
          ],
        },
      ],
    });
    expect(JSON.stringify(report.json)).not.toMatch(/TDM|Item_Investigations/);
  });

  test('have an exception if nothing was used or the month is not over', async () => {
    const { report } = await made({ kind: 'pr', from: '2026-11', to: '2026-11' });
    expect(report.json).toMatchObject({
      Report_Header: {
        Exceptions: [
          { Code: 3030, Message: 'No Usage Available for Requested Dates', Data: '2026-11' },
          {
            Code: 3040,
            Message: 'Partial Data Returned',
            Data: '2026-11 is not over: usage until 2026-11-29T00:00:00Z',
          },
        ],
      },
      Report_Items: [],
    });
    expect(written(report, 'tsv')).toContain(
      'Exceptions\t3030: No Usage Available for Requested Dates (2026-11); 3040: ',
    );
  });
});

test('the dataset report for DataCite has programs too, and its header where the hub expects it', async () => {
  const { report } = await made({ kind: 'rd1' }, CATALOG, loadSite({ REPORT_PUBLISHER_ID: 'client-id:datacite.lake' }));
  const header = {
    'report-name': 'dataset report',
    'report-id': 'dsr',
    release: 'rd1',
    created: '2026-11-01T00:00:00Z',
    'created-by': 'Clowder',
    'reporting-period': { 'begin-date': '2026-10-01', 'end-date': '2026-10-31' },
    'report-filters': [],
    'report-attributes': [],
    exceptions: [],
  };
  const instance = (access: string, metric: string, count: number): object => ({
    'metric-type': metric,
    'access-method': access,
    count,
  });
  expect(report.json).toEqual({
    ...header,
    'report-header': header,
    'report-datasets': [
      {
        'dataset-title': 'River gauges',
        'dataset-id': [
          { type: 'doi', value: '10.5072/river' },
          { type: 'proprietary', value: 'Clowder:d1' },
        ],
        uri: 'https://doi.org/10.5072/river',
        'dataset-contributors': [{ type: 'name', value: 'Ana Lima' }],
        'dataset-dates': [{ type: 'pub-date', value: '2024-05-01' }],
        platform: 'Clowder',
        publisher: 'Lake Institute',
        'publisher-id': [{ type: 'isni', value: '1234123412341234' }],
        'data-type': 'dataset',
        yop: '2024',
        performance: [
          {
            period: { 'begin-date': '2026-10-01', 'end-date': '2026-10-31' },
            instance: [
              // The script and curl: two clients, so two sessions.
              instance('machine', 'total-dataset-investigations', 2),
              instance('machine', 'total-dataset-requests', 2),
              instance('machine', 'unique-dataset-investigations', 2),
              instance('machine', 'unique-dataset-requests', 2),
              instance('regular', 'total-dataset-investigations', 3),
              instance('regular', 'total-dataset-requests', 2),
              instance('regular', 'unique-dataset-investigations', 1),
              instance('regular', 'unique-dataset-requests', 1),
            ],
          },
        ],
      },
      expect.objectContaining({
        'dataset-title': 'd2',
        'publisher-id': [{ type: 'client-id', value: 'datacite.lake' }],
        yop: '0001',
      }),
    ],
  });
});

describe('the report for people', () => {
  test('says for each client why it is counted or not, and together these are all events', async () => {
    const { report } = await made({ kind: 'usage' }, CATALOG);
    expect(report.json).toMatchObject({
      months: [{ month: '2026-10', total_investigations: 5, total_requests: 3, visitors: 2, bytes: 3000 }],
      // The file of no known dataset is among Ana's downloads.
      clients: [
        { client: 'browser', why: 'counted', views: 2, downloads: 3 },
        { client: 'tool', why: 'counted', views: 0, downloads: 1 },
        { client: 'tool', why: 'tool', views: 0, downloads: 1 },
      ],
      unattributed: 1,
      spikes: [],
    });
  });

  test('is a page that loads nothing, with the rules at its end', async () => {
    const hostile: Catalog = new Map([['d1', { dataset_id: 'd1', title: '<img src=x onerror=alert(1)>' }]]);
    const text = written((await made({ kind: 'usage' }, hostile)).report, 'html');
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt; · d1');
    expect(text).not.toMatch(/<img|<script|<link|https?:/);
    expect(text.indexOf('<section class="rules">')).toBeGreaterThan(text.lastIndexOf('<table>'));
  });

  test('warns of a month far above the year before', async () => {
    // 101 views a minute apart by one user, and one a year before: more than 3 × 1/12 + 100.
    const many = Array.from({ length: 101 }, (_, index) =>
      page(new Date(Date.UTC(2026, 9, 5, 10, index)).toISOString(), ana),
    );
    const { report, notes } = await made({ kind: 'usage' }, CATALOG, loadSite({}), [page('2025-10-05T10:00:00Z', ana), ...many]); // prettier-ignore
    expect(report.json).toMatchObject({ spikes: [{ dataset: 'd1', metric: 'total_investigations', count: 101 }] });
    expect(notes.join('\n')).toContain(
      'd1 has 101 total investigations in 2026-10, and 0 a month in the twelve before',
    );
  });
});

test('every report is the same, byte for byte, from a store and from a shuffled archive with repeated lines', async () => {
  const dir = await tempDir('report-archive');
  try {
    const lines = EVENTS.map((one) => `${JSON.stringify(one)}\n`);
    await writeFile(join(dir.path, 'b.ndjson.gz'), gzipSync(lines.toReversed().join('')));
    await writeFile(join(dir.path, 'a.ndjson'), lines.slice(2, 5).join(''));
    await using archive = await openArchiveStore([dir.path]);
    for (const kind of REPORT_KINDS) {
      const fromStore = await made({ kind }, CATALOG);
      const request = checkRequest({ kind, from: '2026-10', to: '2026-10', timeZone: 'UTC' }, NOW + 1000);
      const fromArchive = await makeReport({ store: archive.store, request, site: loadSite({}), catalog: CATALOG });
      expect(fromArchive.notes).toEqual(fromStore.notes);
      for (const format of REPORT_FORMATS)
        expect(written(fromArchive.report, format)).toBe(written(fromStore.report, format));
    }
  } finally {
    await dir.remove();
  }
});

test.each<[ReportKind]>([['ir'], ['rd1'], ['usage']])('%s of a month with nothing is a report', async (kind) => {
  const { report, notes } = await made({ kind, from: '2026-01', to: '2026-01' });
  expect(notes).toEqual(['Nothing was used in this period, or nothing was recorded']);
  for (const format of REPORT_FORMATS) expect(written(report, format)).not.toBe('');
});
