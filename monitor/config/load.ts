import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { isSecretSetting, shown, whyUnreadable } from '../../runtime/config/blank.ts';
import { ConfigError } from '../../runtime/config/config-error.ts';
import { yamlProblem } from '../../runtime/config/file.ts';
import { completed, type MonitorConfig } from './config.ts';
import { monitorSchema } from './schema.ts';
import { resolveSecrets, type Problem } from './secrets.ts';

/**
 * Reads and checks all of monitor.yaml.
 *
 * @throws ConfigError with every problem: its path, its value and what is allowed
 */
export function loadMonitorConfig(path: string, environment: NodeJS.ProcessEnv): MonitorConfig {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `${path} cannot be read (${whyUnreadable(cause)}): name the monitor's configuration with --config`,
      { cause },
    );
  }
  return parseMonitorConfig(source, environment, path);
}

/** @param path the file's path, for messages; paths in the file are relative to its directory */
export function parseMonitorConfig(
  source: string,
  environment: NodeJS.ProcessEnv,
  path = 'monitor.yaml',
): MonitorConfig {
  const document = parseDocument(source);
  const [broken] = document.errors;
  if (broken !== undefined) throw new ConfigError(`${path} is not YAML: ${yamlProblem(broken)}`);
  const dir = dirname(resolve(path));
  const { value, secrets, problems } = resolveSecrets(document.toJS() ?? {}, environment, dir);
  const result = monitorSchema.safeParse(value, { reportInput: true });
  const wrong: Problem[] = [...problems];
  if (!result.success) wrong.push(...result.error.issues.flatMap((issue) => problemsOf(issue, value, secrets)));
  const config = result.success ? completed(result.data, { environment, secrets, dir }) : undefined;
  wrong.push(...(config?.problems ?? []));
  if (config === undefined || wrong.length > 0)
    throw ConfigError.of(
      wrong.map((one) => `${one.path === '' ? 'the file' : one.path} ${one.message}`),
      path,
    );
  return config.config;
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown, secrets: ReadonlySet<string>): readonly Problem[] {
  const path = pathOf(issue.path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: `is not a setting; it may be ${issue.message}`,
    }));
  // If no alternative of a list fits, the one that got furthest has the most useful message.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const within = issue.errors.flat().filter((one) => one.path.length > 0);
    if (within.length > 0)
      return within.flatMap((one) => problemsOf({ ...one, path: [...issue.path, ...one.path] }, root, secrets));
  }
  const value = at(root, issue.path);
  const was = value === undefined ? 'is missing' : `was ${shown(value, isSecret(value, issue.path, secrets))}`;
  return [{ path, message: `${was}; it may be ${issue.message}` }];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (node, part) => (typeof node === 'object' && node !== null ? Reflect.get(node, part) : undefined),
    root,
  );
}

/** Whether a value must not be shown: a secret, or what may contain one, such as the address of a webhook. */
function isSecret(value: unknown, path: readonly PropertyKey[], secrets: ReadonlySet<string>): boolean {
  const text = JSON.stringify(value);
  return (
    path.map(String).some((name) => name === 'url' || isSecretSetting(name)) ||
    [...secrets].some((secret) => text.includes(secret))
  );
}
