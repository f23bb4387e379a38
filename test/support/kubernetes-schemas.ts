import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { z } from 'zod';

/** The kinds in our manifests; add a line for a new one. */
const KINDS = [
  ConfigMap,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  NetworkPolicy,
  Pod,
  Secret,
  Service,
  StatefulSet,
];
const BY_NAME = new Map(KINDS.map((kind) => [`${kind.apiVersion} ${kind.kind}`, kind]));

const named = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/**
 * What Kubernetes' own OpenAPI schemas reject in a document, and the fields that they do not know. The API server would refuse
 * the former and drop the latter. Empty if there is nothing.
 */
export function objectionsTo(document: unknown): readonly string[] {
  const fields = named.parse(document);
  const { apiVersion, kind } = fields;
  const Model = BY_NAME.get(`${apiVersion} ${kind}`);
  if (Model === undefined) return [`no schema is known for ${apiVersion} ${kind}`];
  const read = new Map<string, Set<string>>();
  const objections: string[] = [];
  try {
    watched(Object.assign(new Model(), fields), '', read).validate();
  } catch (error) {
    objections.push(error instanceof Error ? error.message : String(error));
  }
  return [...objections, ...unread(fields, '', read).map((path) => `${path} is a field that no schema knows`)];
}

/** Records which fields of the value, at any depth, are read: a validator reads all that its schema has. */
function watched<T>(value: T, path: string, read: Map<string, Set<string>>): T {
  if (typeof value !== 'object' || value === null) return value;
  const names = read.get(path) ?? new Set();
  read.set(path, names);
  return new Proxy(value, {
    get: (target, name): unknown => {
      if (typeof name === 'string') names.add(name);
      return watched(Reflect.get(target, name), `${path}/${String(name)}`, read);
    },
  });
}

function unread(value: unknown, path: string, read: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    read.get(path)?.has(name) === true ? unread(inner, `${path}/${name}`, read) : [`${path}/${name}`],
  );
}
