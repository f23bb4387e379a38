import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { whyUnreadable } from './blank.ts';
import { ConfigError } from './config-error.ts';
import { isUnset } from './source.ts';

/**
 * Names and values of a `--config` file. Lists are joined by commas, and empty values are left out. @throws ConfigError
 */
export function readConfigFile(path: string): Record<string, unknown> {
  let yaml: string;
  try {
    yaml = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`--config ${path} cannot be read: ${whyUnreadable(cause)}`, { cause });
  }
  let parsed: unknown;
  try {
    parsed = parseYaml(yaml);
  } catch (cause) {
    throw new ConfigError(`--config ${path} is not YAML: ${yamlProblem(cause)}`, { cause });
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new ConfigError(`--config ${path} must be a map of names and values, e.g. PORT: 4318`);
  return Object.fromEntries(
    Object.entries(parsed).flatMap(([name, value]) =>
      isUnset(value) ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}

/** The parser's message with line and column, but without the text there: it may be a secret. */
export function yamlProblem(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return line.replace(/:$/, '').replace(/(?::\s*)?".*"/, '');
}
