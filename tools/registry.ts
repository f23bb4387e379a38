import { stringify } from 'yaml';
import { z } from 'zod';
import { ATTRIBUTE_OF_FIELD, CAPTURED, REFUTED_IDS, REFUTED_NAME, REQUEST_ID } from '../taxonomy/attributes.ts';
import { commonFields } from '../taxonomy/event-fields.ts';
import { eventSchemas, eventTraits, EVENT_TYPES, type EventType } from '../taxonomy/event-types.ts';
import { VERSION } from '../runtime/version.ts';
import { objectSchema, requirements, type FieldSchema } from './event-schema.ts';
import { sentMetrics, type SentMetric } from './registry-metrics.ts';

/** The semantic conventions that ours extend. */
const SEMCONV = '1.45.0';
const SEMCONV_URL = 'https://github.com/open-telemetry/semantic-conventions';
const HEAD = '# Generated from taxonomy/ by `npm run docs`. Do not edit.\n';

const ATTRIBUTES: Readonly<Record<string, string>> = ATTRIBUTE_OF_FIELD;
const isOurs = (attribute: string): boolean => attribute.startsWith('clowder.');

/** Our attributes that fill no field of an event: those of spans, and of the record with which a capture refutes events. */
const OTHERS: Readonly<Record<string, { readonly type: string; readonly brief: string }>> = {
  [REQUEST_ID]: { type: 'string', brief: 'Id of the request that a span, record or line tells of, made at the edge' },
  [CAPTURED]: { type: 'boolean', brief: 'Whether a capture saw the request, and tells of it' },
  'clowder.route': { type: 'string', brief: "Clowder's route that the request took" },
  'clowder.collapse_within_s': {
    type: 'double',
    brief: 'Seconds within which the same by the same viewer is one event',
  },
  [REFUTED_IDS]: { type: 'string', brief: 'Ids of events that did not happen, separated by commas' },
};

/** Those of them that a capture adds to events. */
const BESIDE = [REQUEST_ID, CAPTURED, 'clowder.collapse_within_s', 'clowder.route'];

/** Files of docs/registry/, by name: a registry of semantic conventions in the format of OpenTelemetry's weaver. */
export function registryFiles(): Readonly<Record<string, string>> {
  return {
    'manifest.yaml': file({
      name: 'clowder',
      description: 'Events of the Clowder research-data management system',
      // Nothing is there: a registry just needs a name that ends in its version.
      schema_url: `https://clowder-otel.example/schemas/${VERSION}`,
      dependencies: [
        {
          schema_url: `${SEMCONV_URL}/v${SEMCONV}`,
          registry_path: `${SEMCONV_URL}/archive/refs/tags/v${SEMCONV}.zip[model]`,
        },
      ],
    }),
    'attributes.yaml': file({ groups: [attributeGroup()] }),
    'events.yaml': file({ groups: [...EVENT_TYPES.map(eventGroup), refutedGroup()] }),
    'entities.yaml': file({ groups: [instanceEntity()] }),
    'metrics.yaml': file({ groups: [metricAttributeGroup(), ...SENT_METRICS.map(metricGroup)] }),
  };
}

const file = (content: object): string => HEAD + stringify(content, { lineWidth: 0, singleQuote: true });

function attributeGroup(): object {
  const schemas = fieldSchemas();
  const ofFields = Object.entries(ATTRIBUTES)
    .filter(([, attribute]) => isOurs(attribute))
    .map(([field, id]) => {
      const schema = schemas.get(field) ?? {};
      const type = typeOf(schema);
      const brief = schema.description ?? `Field \`${field}\` of events`;
      return Object.assign({ id, type, stability: 'development', brief }, examplesOf(id, type));
    });
  const others = Object.entries(OTHERS).map(([id, { type, brief }]) =>
    Object.assign({ id, type, stability: 'development', brief }, examplesOf(id, type)),
  );
  return {
    id: 'registry.clowder',
    type: 'attribute_group',
    display_name: 'Clowder attributes',
    brief: 'Attributes of the events of Clowder',
    attributes: [...ofFields, ...others],
  };
}

/** The format requires examples for text; the attribute's name says most. */
function examplesOf(attribute: string, type: unknown): { readonly examples?: readonly string[] } {
  if (type !== 'string' && type !== 'any') return {};
  return { examples: [/\.ids?$/.test(attribute) ? '65f1e2d3c4b5a69788776655' : (attribute.split('.').at(-1) ?? '')] };
}

function eventGroup(type: EventType): object {
  const schema = objectSchema(eventSchemas[type]);
  const required = requirements(schema, eventTraits[type].stated);
  return {
    id: `event.clowder.${type}`,
    type: 'event',
    name: `clowder.${type}`,
    stability: 'development',
    brief: schema.description ?? type,
    entity_associations: ['clowder.instance'],
    attributes: [
      ...Object.keys(schema.properties).flatMap((field) => {
        const attribute = ATTRIBUTES[field];
        if (attribute === undefined) return [];
        return {
          ref: attribute.replace(/^(http\.request\.header)\..*$/, '$1'),
          requirement_level: required.get(field) === 'yes' ? 'required' : 'recommended',
        };
      }),
      ...BESIDE.map((ref) => ({ ref, requirement_level: 'recommended' })),
    ],
  };
}

function refutedGroup(): object {
  return {
    id: `event.${REFUTED_NAME}`,
    type: 'event',
    name: REFUTED_NAME,
    stability: 'development',
    brief: 'A capture saw that events which others may derive from the request did not happen',
    entity_associations: ['clowder.instance'],
    attributes: [
      { ref: REFUTED_IDS, requirement_level: 'required' },
      { ref: ATTRIBUTE_OF_FIELD.source, requirement_level: 'recommended' },
      { ref: REQUEST_ID, requirement_level: 'recommended' },
      { ref: CAPTURED, requirement_level: 'recommended' },
    ],
  };
}

const SENT_METRICS = await sentMetrics();

/** Attributes that only metrics have. The collector's are labels in Prometheus, and have the labels' names. */
function metricAttributeGroup(): object {
  const known = new Set([...Object.values(ATTRIBUTES), ...Object.keys(OTHERS)]);
  const names = new Set(SENT_METRICS.flatMap(({ attributes }) => attributes).filter((name) => !known.has(name)));
  return {
    id: 'registry.clowder.metrics',
    type: 'attribute_group',
    display_name: 'Attributes of metrics',
    brief: "Attributes of the programs' own metrics",
    attributes: [...names].toSorted().map((id) => {
      const metrics = SENT_METRICS.filter(({ attributes }) => attributes.includes(id)).map(({ name }) => `\`${name}\``);
      const brief = `Of ${metrics.join(', ')}`;
      return Object.assign({ id, type: 'string', stability: 'development', brief }, examplesOf(id, 'string'));
    }),
  };
}

function metricGroup({ name, instrument, unit, brief, attributes }: SentMetric): object {
  return {
    id: `metric.${name}`,
    type: 'metric',
    metric_name: name,
    stability: 'development',
    brief,
    instrument,
    unit,
    ...(attributes.length > 0 && {
      attributes: attributes.map((ref) => ({ ref, requirement_level: 'recommended' })),
    }),
  };
}

function instanceEntity(): object {
  return {
    id: 'entity.clowder.instance',
    type: 'entity',
    name: 'clowder.instance',
    stability: 'development',
    brief: 'A Clowder, which events come from',
    attributes: [{ ref: 'clowder.instance', requirement_level: 'required', role: 'identifying' }],
  };
}

/** Each field's schema: the common one, otherwise that of the first type with the field. */
function fieldSchemas(): ReadonlyMap<string, FieldSchema> {
  const schemas = new Map(Object.entries(objectSchema(z.object(commonFields)).properties));
  for (const type of EVENT_TYPES)
    for (const [field, schema] of Object.entries(objectSchema(eventSchemas[type]).properties))
      if (!schemas.has(field)) schemas.set(field, schema);
  return schemas;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'int',
  number: 'double',
  boolean: 'boolean',
};

function typeOf(schema: FieldSchema): unknown {
  if (schema.enum !== undefined)
    return {
      members: schema.enum.map((value) => ({
        id: String(value),
        value,
        brief: String(value),
        stability: 'development',
      })),
    };
  return TYPES[schema.type ?? ''] ?? 'any';
}
