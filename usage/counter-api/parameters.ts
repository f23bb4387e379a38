import type { CounterCode } from '../ask/counter.ts';
import { COUNTER_EXCEPTIONS } from '../ask/counter.ts';
import type { Exception } from '../reports/exceptions.ts';
import type { Figure } from '../reports/figures.ts';
import type { Item } from '../reports/items.ts';
import { R51_METRICS, type R51Kind, type R51Metric, type Selection } from '../reports/r51.ts';
import { ACCESS_TYPES } from '../reports/settings.ts';

type Query = Readonly<Record<string, string>>;

/** Parameters of every report: who asks, for whom, and the dates. */
const COMMON = ['customer_id', 'requestor_id', 'api_key', 'platform', 'begin_date', 'end_date'] as const;

/** Further parameters of each report. */
const FURTHER = {
  ir: ['metric_type', 'data_type', 'access_method', 'access_type', 'yop', 'item_id', 'attributes_to_show', 'granularity', 'include_component_details', 'include_parent_details'], // prettier-ignore
  pr: ['metric_type', 'data_type', 'access_method', 'attributes_to_show', 'granularity'],
  pr_p1: [],
} as const satisfies Record<R51Kind, readonly string[]>;

const ATTRIBUTES = {
  ir: ['Authors', 'Publication_Date', 'YOP', 'Access_Type', 'Access_Method'],
  pr: ['Access_Method'],
  pr_p1: [],
} as const satisfies Record<R51Kind, readonly string[]>;

const METRICS = Object.keys(R51_METRICS) as R51Metric[];
const METHODS = { Regular: 'regular', TDM: 'tdm' } as const satisfies Record<string, Figure['access']>;
const YEARS = /^\d{4}(?:-\d{4})?$/;

export interface Selected extends Selection {
  /** All if left out. */
  readonly access: readonly Figure['access'][] | undefined;
  readonly rolledUp: boolean;
}

/**
 * What a request's parameters select. As the Code requires, unknown parameters and invalid values are ignored, and
 * exceptions report them.
 */
export function selectionOf(kind: R51Kind, query: Query): Selected {
  const told = new Told();
  const known: ReadonlySet<string> = new Set([...COMMON, ...FURTHER[kind]]);
  told.add(
    3050,
    Object.keys(query).filter((name) => !known.has(name)),
  );
  const given = (name: string): readonly string[] | undefined =>
    known.has(name) && query[name] !== undefined ? query[name].split('|').filter((value) => value !== '') : undefined;
  /** The valid values in a filter; all if it is left out or has none. */
  const filter = <Value extends string>(name: string, values: readonly Value[]): readonly Value[] | undefined => {
    const asked = given(name);
    told.add(3060, (asked ?? []).filter((value) => !values.some((one) => one === value)).map((value) => `${name}=${value}`)); // prettier-ignore
    const right = values.filter((value) => asked?.includes(value) === true);
    return right.length === 0 ? undefined : right;
  };
  const metrics = filter('metric_type', METRICS);
  const methods = filter('access_method', Object.keys(METHODS) as (keyof typeof METHODS)[]);
  const types = filter('access_type', ACCESS_TYPES);
  filter('data_type', ['Dataset']);
  const years = given('yop');
  told.add(
    3060,
    (years ?? []).filter((one) => !YEARS.test(one)).map((one) => `yop=${one}`),
  );
  const ranges = (years ?? []).filter((one) => YEARS.test(one));
  const item = given('item_id')?.[0];
  const attributes = attributesOf(kind, given('attributes_to_show') ?? [], told);
  const [granularity] = given('granularity') ?? [];
  if (granularity !== undefined && granularity !== 'Month' && granularity !== 'Total')
    told.add(3062, [`granularity=${granularity}`]);
  for (const name of ['include_component_details', 'include_parent_details'])
    if (query[name]?.toLowerCase() === 'true' && known.has(name)) told.add(3063, [name]);
  const access = kind === 'pr_p1' ? (['regular'] as const) : methods?.map((one) => METHODS[one]);
  return {
    metrics: kind === 'pr_p1' ? ['Total_Item_Requests', 'Unique_Item_Requests'] : (metrics ?? METRICS),
    attributes,
    granularity: granularity === 'Total' ? 'Total' : 'Month',
    access,
    rolledUp: !attributes.includes('Access_Method'),
    keeps: (one) =>
      (types === undefined || (one.accessType !== undefined && types.includes(one.accessType))) &&
      (ranges.length === 0 || ranges.some((range) => isIn(one.year, range))) &&
      (item === undefined || idsOf(one).has(item.toLowerCase())),
    filters: {
      ...(metrics !== undefined && { Metric_Type: metrics }),
      ...(methods !== undefined && { Access_Method: methods }),
      ...(types !== undefined && { Access_Type: types }),
      ...(ranges.length > 0 && { YOP: ranges }),
      ...(item !== undefined && { Item_ID: item }),
    },
    exceptions: told.exceptions,
  };
}

function attributesOf(kind: R51Kind, asked: readonly string[], told: Told): readonly string[] {
  const known: readonly string[] = ATTRIBUTES[kind];
  told.add(
    3062,
    asked.filter((one) => !known.includes(one)).map((one) => `attributes_to_show=${one}`),
  );
  return known.filter((one) => asked.includes(one));
}

/** `DOI:10.5072/x`, `Proprietary:Clowder:63f1`, or the bare id. */
function idsOf({ id, doi, proprietaryId }: Item): ReadonlySet<string> {
  const ids = [id, proprietaryId, `Proprietary:${proprietaryId}`, ...(doi === undefined ? [] : [doi, `DOI:${doi}`])];
  return new Set(ids.map((one) => one.toLowerCase()));
}

function isIn(year: string, range: string): boolean {
  const [first = '', last = first] = range.split('-');
  return first <= year && year <= last;
}

/** One exception per code, with everything that it is about. */
class Told {
  readonly #about = new Map<CounterCode, string[]>();

  add(code: CounterCode, what: readonly string[]): void {
    if (what.length > 0) this.#about.set(code, [...(this.#about.get(code) ?? []), ...what]);
  }

  get exceptions(): readonly Exception[] {
    return [...this.#about].map(([code, what]) => ({
      code,
      message: COUNTER_EXCEPTIONS[code],
      data: what.join('; ').slice(0, 1000),
    }));
  }
}
