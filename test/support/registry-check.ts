import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** An attribute in OTLP's JSON encoding. */
interface SentAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Attribute {
  readonly id: string;
  readonly type: string | { readonly members: readonly { readonly value: unknown }[] };
}

interface Group {
  readonly type: string;
  readonly name?: string;
  readonly metric_name?: string;
  readonly instrument?: string;
  readonly unit?: string;
  readonly attributes?: readonly (Attribute | { readonly ref: string })[];
}

const groupsOf = (file: string): readonly Group[] =>
  (parse(readFileSync(new URL(`../../docs/registry/${file}`, import.meta.url), 'utf8')) as { groups: Group[] }).groups;

const namesOf = ({ attributes = [] }: Group): ReadonlySet<string> =>
  new Set(attributes.map((one) => ('ref' in one ? one.ref : one.id)));

const ATTRIBUTES: ReadonlyMap<string, Attribute['type']> = new Map(
  [...groupsOf('attributes.yaml'), ...groupsOf('metrics.yaml')].flatMap(({ attributes = [] }) =>
    attributes.flatMap((one) => ('id' in one ? [[one.id, one.type] as const] : [])),
  ),
);
const EVENTS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  groupsOf('events.yaml').map((group) => [group.name ?? '', namesOf(group)]),
);
const METRICS: ReadonlyMap<string, Group> = new Map(
  groupsOf('metrics.yaml').flatMap((group) =>
    group.metric_name === undefined ? [] : [[group.metric_name, group] as const],
  ),
);

const isOurs = (name: string): boolean => name.startsWith('clowder.');

/** Which attributes of a span or resource our registry does not define, or defines differently. */
export function attributeViolations(attributes: readonly SentAttribute[]): readonly string[] {
  return attributes.flatMap(({ key, value }) => {
    if (!isOurs(key)) return [];
    const type = ATTRIBUTES.get(key);
    if (type === undefined) return [`attribute ${key} is not in the registry`];
    return isOfType(value, type) ? [] : [`attribute ${key} is ${JSON.stringify(value)}, not ${JSON.stringify(type)}`];
  });
}

/** The same for a log record; only our own events are judged. */
export function recordViolations(
  eventName: string | undefined,
  attributes: readonly SentAttribute[],
): readonly string[] {
  if (eventName === undefined || !isOurs(eventName)) return [];
  const known = EVENTS.get(eventName);
  if (known === undefined) return [`event ${eventName} is not in the registry`];
  return [
    ...attributeViolations(attributes),
    ...attributes
      .filter(({ key }) => isOurs(key) && ATTRIBUTES.has(key) && !known.has(key))
      .map(({ key }) => `attribute ${key} is none of event ${eventName}`),
  ];
}

interface SentPoints {
  readonly dataPoints: readonly { readonly attributes?: readonly SentAttribute[] }[];
}

/** A metric in OTLP's JSON encoding. */
export interface SentMetric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: SentPoints & { readonly isMonotonic?: boolean };
  readonly gauge?: SentPoints;
  readonly histogram?: SentPoints;
}

/** The same for a metric; only those with our names are judged. */
export function metricViolations(metric: SentMetric): readonly string[] {
  const { name, unit = '', sum, gauge, histogram } = metric;
  if (!/^clowder[._]/.test(name)) return [];
  const group = METRICS.get(name);
  if (group === undefined) return [`metric ${name} is not in the registry`];
  const instrument =
    sum === undefined ? (gauge === undefined ? 'histogram' : 'gauge') : sum.isMonotonic === true ? 'counter' : 'updowncounter'; // prettier-ignore
  const points = (sum ?? gauge ?? histogram)?.dataPoints ?? [];
  const attributes = points.flatMap((point) => point.attributes ?? []);
  const known = namesOf(group);
  return [
    ...(instrument === group.instrument ? [] : [`metric ${name} is a ${instrument}, not a ${group.instrument}`]),
    ...(unit === group.unit ? [] : [`metric ${name} is in "${unit}", not in "${group.unit}"`]),
    ...attributeViolations(attributes),
    ...attributes.filter(({ key }) => !known.has(key)).map(({ key }) => `attribute ${key} is none of metric ${name}`),
  ];
}

/** The fields in which OTLP carries a value, by type. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  string: ['stringValue'],
  int: ['intValue'],
  double: ['doubleValue', 'intValue'],
  boolean: ['boolValue'],
};

function isOfType(value: Readonly<Record<string, unknown>>, type: Attribute['type']): boolean {
  if (typeof type !== 'string') return type.members.some((member) => member.value === value['stringValue']);
  return type === 'any' || (MEMBERS[type] ?? []).some((member) => Object.hasOwn(value, member));
}
