import {
  COUNTER_EXCEPTIONS,
  counterException,
  type CounterAnswer,
  type CounterCode,
  type CounterRequest,
} from '../ask/counter.ts';
import type { Exception } from '../reports/exceptions.ts';
import { REPORTS } from '../reports/kinds.ts';
import { r51Json, r51Report, WORLD, type R51Kind } from '../reports/r51.ts';
import { makeReport } from '../reports/report.ts';
import { checkRequest, lastDay, monthAfter } from '../reports/request.ts';
import type { Site } from '../reports/settings.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { availableMonths, monthsOf, type Available } from './months.ts';
import { selectionOf, type Selected } from './parameters.ts';

export interface CounterApi {
  readonly store: UsageStore;
  readonly site: Site;
  readonly nowMs: number;
}

type Query = CounterRequest['query'];
type Answerer = (api: CounterApi, query: Query) => Promise<CounterAnswer>;

const NAMES = { ir: 'Item Report', pr: 'Platform Report', pr_p1: 'Platform Usage' } as const satisfies Record<R51Kind, string>; // prettier-ignore
const MOST_MONTHS = 120;

/** Only figures for The World exist: we know no institutions. */
const forTheWorld =
  (answer: Answerer): Answerer =>
  async (api, query) => {
    const { customer_id: customer } = query;
    if (customer === undefined || customer === '') return refused(400, 1030, 'customer_id is missing');
    if (customer !== WORLD) return refused(403, 2010, `customer_id was ${customer}; may be ${WORLD}, The World`);
    return answer(api, query);
  };

const reportAnswerer = (kind: R51Kind): Answerer => forTheWorld((api, query) => report(api, kind, query));

const PATHS: Readonly<Record<string, Answerer>> = {
  '/status': async ({ site }) => ok([status(site)]),
  '/members': forTheWorld(async ({ site }) => ok([{ Institution_Name: 'The World', Customer_ID: WORLD, Institution_ID: { Proprietary: [`${site.platformId}:${WORLD}`] } }])), // prettier-ignore
  '/reports': forTheWorld(reportList),
  '/reports/ir': reportAnswerer('ir'),
  '/reports/pr': reportAnswerer('pr'),
  '/reports/pr_p1': reportAnswerer('pr_p1'),
};

/** Answers the COUNTER API of Release 5.1, with its exceptions. */
export async function answerCounter(api: CounterApi, { path, query }: CounterRequest): Promise<CounterAnswer> {
  const answer = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined;
  if (answer !== undefined) return answer(api, query);
  const known = Object.keys(NAMES).join(', ');
  return { status: 404, body: JSON.stringify({ Code: 0, Message: `There is no such report; there are ${known}` }) };
}

const ok = (body: object): CounterAnswer => ({ status: 200, body: JSON.stringify(body) });
const refused = (code: CounterAnswer['status'], exception: CounterCode, data: string): CounterAnswer => ({
  status: code,
  body: JSON.stringify(counterException(exception, data)),
});

const status = ({ platform, registryRecord }: Site): object => ({
  Description: `COUNTER reports of ${platform}`,
  Service_Active: true,
  ...(registryRecord !== '' && { Registry_Record: registryRecord }),
});

async function reportList({ store, site, nowMs }: CounterApi): Promise<CounterAnswer> {
  const available = await availableMonths(store, site.timeZone, nowMs);
  if (available === undefined) return refused(503, 1000, 'No month that is over has been counted yet');
  return ok(
    Object.entries(NAMES).map(([kind, name]) => ({
      Report_Name: name,
      Report_ID: kind.toUpperCase(),
      Release: '5.1',
      Report_Description: REPORTS[kind as R51Kind].about,
      Path: `/r51/reports/${kind}`,
      First_Month_Available: available.first,
      Last_Month_Available: available.last,
    })),
  );
}

async function report({ store, site, nowMs }: CounterApi, kind: R51Kind, query: Query): Promise<CounterAnswer> {
  const asked = monthsOf(query['begin_date'], query['end_date']);
  if ('wrong' in asked) return refused(400, 3020, asked.wrong);
  if (asked.to > monthAfter(asked.from, MOST_MONTHS - 1))
    return refused(400, 3020, `${asked.from} to ${asked.to} are more than ${MOST_MONTHS} months`);
  const selection = selectionOf(kind, query);
  // The header states the requested dates, even if some months are not available.
  const dates = { Begin_Date: `${asked.from}-01`, End_Date: lastDay(asked.to) };
  const selected = { ...selection, filters: { ...dates, ...selection.filters } };
  const available = await availableMonths(store, site.timeZone, nowMs);
  const { months, exceptions } = within(asked, available);
  if (months === undefined) return ok(emptyReport(kind, site, asked, nowMs, { ...selected, exceptions: [...exceptions, ...selected.exceptions] })); // prettier-ignore
  const request = checkRequest({ kind, ...months, timeZone: site.timeZone }, nowMs);
  const made = async (all: readonly Exception[]) =>
    makeReport({ store, request, site, reportedMs: nowMs, selection: { ...selected, exceptions: all } });
  const told = [...exceptions, ...selected.exceptions];
  const { report: first } = await made(told);
  const isEmpty = 'Report_Items' in first.json && Array.isArray(first.json.Report_Items) && first.json.Report_Items.length === 0; // prettier-ignore
  // Only for counted months can we say that there was no usage.
  if (!isEmpty || exceptions.length > 0) return ok(first.json);
  return ok((await made([noUsage(months), ...told])).report.json);
}

const noUsage = ({ from, to }: { readonly from: string; readonly to: string }): Exception =>
  exception(3030, from === to ? from : `${from} to ${to}`);
const exception = (code: CounterCode, data: string): Exception => ({ code, message: COUNTER_EXCEPTIONS[code], data });

interface Months {
  readonly from: string;
  readonly to: string;
}

/** The available part of the months, and exceptions for the rest. */
function within(
  asked: Months,
  available: Available | undefined,
): { months?: Months; exceptions: readonly Exception[] } {
  if (available === undefined) return { exceptions: [exception(3031, range(asked))] };
  const exceptions: Exception[] = [];
  if (asked.to > available.last) {
    const from = asked.from > available.last ? asked.from : monthAfter(available.last, 1);
    exceptions.push(exception(3031, range({ from, to: asked.to })));
  }
  if (asked.from < available.first) {
    const to = asked.to < available.first ? asked.to : monthAfter(available.first, -1);
    exceptions.push(exception(3032, range({ from: asked.from, to })));
  }
  const months = {
    from: asked.from < available.first ? available.first : asked.from,
    to: asked.to > available.last ? available.last : asked.to,
  };
  return months.from <= months.to ? { months, exceptions } : { exceptions };
}

const range = ({ from, to }: Months): string => (from === to ? from : `${from} to ${to}`);

/** Report of unavailable months: a header with the reasons. */
function emptyReport(kind: R51Kind, site: Site, { from, to }: Months, nowMs: number, selected: Selected): object {
  const months = from === to ? [from] : [from, to];
  const request = { kind, zone: site.timeZone, months, period: { fromMs: 0, toMs: 0 }, createdMs: nowMs };
  return r51Json(r51Report(kind, request, site, [], [], selected), site);
}
