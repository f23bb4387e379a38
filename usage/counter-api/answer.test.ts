import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download, page } from '../../test/support/usage/cases.ts';
import { loadSite } from '../reports/settings.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { answerCounter } from './answer.ts';

const NOW = Date.UTC(2026, 10, 29);
const WORLD = '0000000000000000';
const PYTHON = { user_agent: 'python-requests/2.32.3', auth_method: 'api_key' };
const ana = { user_id: 'ana' };

let store: UsageStore;
beforeAll(async () => {
  store = await openDuckdbStore();
  await store.ingest([
    // October: a page and a download of d1 by ana with a browser, and another download by her with python in the same hour.
    page('10:00:00', ana),
    download('10:05:00', ana, 'f1'),
    download('10:10:00', { ...ana, ...PYTHON }, 'f2'),
    // August: a page of d2. September has nothing.
    page('2026-08-10T10:00:00Z', ana, 'd2'),
    page('2026-11-10T10:00:00Z', ana),
  ]);
});
afterAll(() => store.close());

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(path: string, query: Record<string, string> = {}): Promise<Answered> {
  const given = path === '/status' ? query : { customer_id: WORLD, ...query };
  const { status, body } = await answerCounter({ store, site: loadSite({}), nowMs: NOW }, { path, query: given });
  return { status, body: JSON.parse(body) as Answered['body'] };
}

const october = { begin_date: '2026-10', end_date: '2026-10' };
const report = (kind: string, query: Record<string, string> = october): Promise<Answered> =>
  ask(`/reports/${kind}`, query);

interface Header {
  readonly Exceptions?: readonly { readonly Code: number; readonly Data?: string }[];
  readonly Report_Filters: object;
  readonly Report_Attributes?: object;
}
const headerOf = ({ body }: Answered): Header => body['Report_Header'] as Header;
const told = (answered: Answered): unknown =>
  (headerOf(answered).Exceptions ?? []).map(({ Code, Data }) => [Code, Data]);

/** Attributes and figures of each line. */
const linesOf = ({ body }: Answered): unknown =>
  (body['Report_Items'] as readonly (Line & { Items?: readonly Line[] })[])
    .flatMap((one) => one.Items ?? [one])
    .flatMap((one) => one.Attribute_Performance);
interface Line {
  readonly Attribute_Performance: readonly object[];
}

describe('the COUNTER API', () => {
  test('says that it is up, whose reports it has, which ones, and for which months', async () => {
    expect(await ask('/status')).toMatchObject({ status: 200, body: [{ Service_Active: true }] });
    expect(await ask('/members')).toMatchObject({ body: [{ Institution_Name: 'The World', Customer_ID: WORLD }] });
    const { body } = await ask('/reports');
    expect(body).toMatchObject(
      ['IR', 'PR', 'PR_P1'].map((Report_ID) => ({
        Report_ID,
        Release: '5.1',
        First_Month_Available: '2026-08',
        Last_Month_Available: '2026-10',
      })),
    );
  });

  test('gives one line for each dataset with all access methods together if no attribute is requested', async () => {
    const answered = await report('ir');
    // Three investigations and two requests. With browser and python she is one user in one hour: unique 1.
    expect(linesOf(answered)).toEqual([
      {
        Data_Type: 'Dataset',
        Performance: {
          Total_Item_Investigations: { '2026-10': 3 },
          Total_Item_Requests: { '2026-10': 2 },
          Unique_Item_Investigations: { '2026-10': 1 },
          Unique_Item_Requests: { '2026-10': 1 },
        },
      },
    ]);
    expect(headerOf(answered).Report_Attributes).toBeUndefined();
  });

  test('divides by the requested attributes, and has only the requested metrics and access methods', async () => {
    const answered = await report('ir', {
      ...october,
      attributes_to_show: 'YOP|Access_Method',
      metric_type: 'Unique_Item_Requests',
    });
    expect(linesOf(answered)).toEqual([
      { Data_Type: 'Dataset', YOP: '0001', Access_Method: 'Regular', Performance: { Unique_Item_Requests: { '2026-10': 1 } } },
      { Data_Type: 'Dataset', YOP: '0001', Access_Method: 'TDM', Performance: { Unique_Item_Requests: { '2026-10': 1 } } },
    ]); // prettier-ignore
    expect(headerOf(answered)).toMatchObject({
      Report_Filters: { Begin_Date: '2026-10-01', End_Date: '2026-10-31', Metric_Type: ['Unique_Item_Requests'] },
      Report_Attributes: { Attributes_To_Show: ['YOP', 'Access_Method'] },
    });
    const regular = await report('pr', { ...october, access_method: 'Regular' });
    expect(linesOf(regular)).toMatchObject([{ Performance: { Total_Item_Requests: { '2026-10': 1 } } }]);
  });

  test('has in PR_P1 only requests by people', async () => {
    expect(linesOf(await report('pr_p1'))).toEqual([
      {
        Data_Type: 'Dataset',
        Performance: { Total_Item_Requests: { '2026-10': 1 }, Unique_Item_Requests: { '2026-10': 1 } },
      },
    ]);
  });

  test('sums up months, and selects datasets by id and year', async () => {
    const all = { begin_date: '2026-08-01', end_date: '2026-10-31', granularity: 'Total' };
    const whole = await report('pr', all);
    expect(linesOf(whole)).toMatchObject([{ Performance: { Total_Item_Investigations: { '2026-08': 4 } } }]);
    expect(headerOf(whole).Report_Attributes).toEqual({ Granularity: 'Total' });
    const d2 = await report('ir', { ...all, item_id: 'Proprietary:Clowder:d2' });
    expect(linesOf(d2)).toMatchObject([{ Performance: { Total_Item_Investigations: { '2026-08': 1 } } }]);
    expect(linesOf(await report('ir', { ...all, yop: '1990-2030' }))).toEqual([]);
  });

  test.each([
    // September was counted, and had nothing.
    ['2026-09', '2026-09', [[3030, '2026-09']]],
    ['2026-07', '2026-08', [[3032, '2026-07']]],
    ['2026-10', '2026-12', [[3031, '2026-11 to 2026-12']]],
    ['2026-11', '2026-11', [[3031, '2026-11']]],
    ['2020-01', '2020-03', [[3032, '2020-01 to 2020-03']]],
    [
      '2026-07',
      '2026-11',
      [
        [3031, '2026-11'],
        [3032, '2026-07'],
      ],
    ],
  ])('of %s to %s reports %j in addition to what there is', async (begin_date, end_date, exceptions) => {
    const answered = await report('ir', { begin_date, end_date });
    expect([answered.status, told(answered)]).toEqual([200, exceptions]);
  });

  test('leaves out unknown parameters, and says so', async () => {
    const answered = await report('ir', {
      ...october,
      colour: 'red',
      metric_type: 'Total_Item_Requests|Searches_Platform',
      attributes_to_show: 'YOP|Article_Version',
      granularity: 'Week',
      include_component_details: 'True',
    });
    expect(told(answered)).toEqual([
      [3050, 'colour'],
      [3060, 'metric_type=Searches_Platform'],
      [3062, 'attributes_to_show=Article_Version; granularity=Week'],
      [3063, 'include_component_details'],
    ]);
    expect(linesOf(answered)).toMatchObject([{ YOP: '0001', Performance: { Total_Item_Requests: { '2026-10': 2 } } }]);
    expect(told(await report('pr_p1', { ...october, metric_type: 'x' }))).toEqual([[3050, 'metric_type']]);
  });

  test.each([
    [{ customer_id: '' }, 400, 1030],
    [{ customer_id: '42' }, 403, 2010],
    [{ end_date: '2026-10' }, 400, 3020],
    [{ begin_date: '2026-13', end_date: '2026-10' }, 400, 3020],
    [{ begin_date: '2026-10', end_date: '2026-09' }, 400, 3020],
    [{ begin_date: '2026-10-15', end_date: '2026-10-31' }, 400, 3020],
    [{ begin_date: '2026-10-01', end_date: '2026-10-30' }, 400, 3020],
    [{ begin_date: '1900-01', end_date: '2026-10' }, 400, 3020],
  ])('refuses %j with %i and exception %i', async (query, status, code) => {
    expect(await ask('/reports/ir', query)).toMatchObject({ status, body: { Code: code } });
  });

  test('has no other report', async () => {
    for (const path of ['/reports/tr', '/reports/constructor', '/', '/reports/ir/x'])
      expect(await ask(path)).toMatchObject({ status: 404 });
  });

  test('says for an empty store that no month is ready', async () => {
    const empty = await openDuckdbStore();
    const api = { store: empty, site: loadSite({}), nowMs: NOW };
    const query = { customer_id: WORLD, ...october };
    const { status, body } = await answerCounter(api, { path: '/reports/ir', query });
    expect([status, JSON.parse(body)]).toMatchObject([
      200,
      { Report_Header: { Exceptions: [{ Code: 3031, Data: '2026-10' }] }, Report_Items: [] },
    ]);
    expect(await answerCounter(api, { path: '/reports', query })).toMatchObject({ status: 503 });
    await empty.close();
  });
});
