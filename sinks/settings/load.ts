import type { z } from 'zod';
import type { SinkDefinition } from '../sink.ts';
import { COMMON_VARIABLES, commonSettings, type CommonSettings } from './common.ts';
import { explainIssue, isMap, Origins } from './origins.ts';

/** A sink with valid settings. */
export interface ConfiguredSink {
  readonly definition: SinkDefinition<unknown>;
  /** As parsed by `definition.config`. */
  readonly config: unknown;
  readonly common: CommonSettings;
  readonly thirdParty: boolean;
}

export interface LoadedSinks {
  readonly sinks: readonly ConfiguredSink[];
  /** What is wrong, one sentence each with its place, without secrets. */
  readonly problems: readonly string[];
}

export interface LoadOptions {
  readonly definitions: readonly SinkDefinition<unknown>[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The `sinks` section of the configuration file. */
  readonly section: unknown;
  /** Whether there is a secret for hashing. */
  readonly canHash: boolean;
}

/** Loads the configured sinks: those with a section in the file, or with at least one variable of their own. Variables win. */
export function loadSinks({ definitions, environment, section = {}, canHash }: LoadOptions): LoadedSinks {
  if (!isMap(section)) return { sinks: [], problems: ['sinks must be a map of names and settings'] };
  const names = definitions.map(({ name }) => name);
  const problems = Object.keys(section)
    .filter((name) => !names.includes(name))
    .map((name) => `sinks.${name}: there is no such sink; known: ${names.join(', ')}`);
  const sinks: ConfiguredSink[] = [];
  for (const definition of definitions) {
    const loaded = loadOne(definition, environment, section);
    problems.push(...loaded.problems);
    if (loaded.sink === undefined) continue;
    problems.push(...hashProblems(loaded.sink, canHash));
    sinks.push(loaded.sink);
  }
  return { sinks, problems };
}

function loadOne(
  definition: SinkDefinition<unknown>,
  environment: LoadOptions['environment'],
  section: Readonly<Record<string, unknown>>,
): { readonly sink?: ConfiguredSink; readonly problems: readonly string[] } {
  const { name } = definition;
  const inFile = Object.hasOwn(section, name);
  const given = inFile ? (section[name] ?? {}) : {};
  if (!isMap(given)) return { problems: [`sinks.${name} must be a map of settings`] };
  const origins = new Origins(`sinks.${name}`, given);
  const prefix = `SINK_${name.toUpperCase()}_`;
  let configured = inFile;
  for (const [variable, setting] of Object.entries(definition.variables)) {
    configured = origins.set(variable, [setting], environment[variable]) || configured;
  }
  for (const [suffix, path] of Object.entries(COMMON_VARIABLES))
    origins.set(prefix + suffix, path, environment[prefix + suffix]);
  const unknown = Object.keys(environment)
    .filter((variable) => variable.startsWith(prefix))
    .filter((variable) => !Object.hasOwn(definition.variables, variable))
    .filter((variable) => !Object.hasOwn(COMMON_VARIABLES, variable.slice(prefix.length)))
    .map((variable) => `${variable} is not a setting; known: ${variablesOf(definition).join(', ')}`);
  if (!configured) return { problems: unknown };

  const [ownGiven, commonGiven] = split(origins.value);
  const own = definition.config.safeParse(ownGiven);
  const common = commonSettings.safeParse(commonGiven);
  const explain = (issue: z.core.$ZodIssue): string => explainIssue(issue, origins, definition.variables);
  const problems = [...unknown, ...issuesOf(own).map(explain), ...issuesOf(common).map(explain)];
  if (!own.success || !common.success) return { problems };
  const thirdParty = common.data.third_party ?? definition.thirdParty;
  return { sink: { definition, config: own.data, common: common.data, thirdParty }, problems };
}

function hashProblems({ definition, common }: ConfiguredSink, canHash: boolean): readonly string[] {
  const hashed = Object.keys(common.privacy).filter((field) => common.privacy[field] === 'hash');
  if (canHash || hashed.length === 0) return [];
  return [`sinks.${definition.name}.privacy hashes ${hashed.join(', ')}: SINK_HASH_SECRET is missing`];
}

/** Returns every variable that configures a sink. */
function variablesOf({ name, variables }: SinkDefinition<unknown>): readonly string[] {
  return [
    ...Object.keys(variables),
    ...Object.keys(COMMON_VARIABLES).map((suffix) => `SINK_${name.toUpperCase()}_${suffix}`),
  ];
}

function split(
  given: Readonly<Record<string, unknown>>,
): [own: Record<string, unknown>, common: Record<string, unknown>] {
  const own: Record<string, unknown> = {};
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given))
    (Object.hasOwn(commonSettings.shape, name) ? common : own)[name] = value;
  return [own, common];
}

function issuesOf(result: z.ZodSafeParseResult<unknown>): readonly z.core.$ZodIssue[] {
  return result.error?.issues ?? [];
}
