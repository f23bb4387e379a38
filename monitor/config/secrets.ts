import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isUnset } from '../../runtime/config/source.ts';

/** A problem in the configuration: where it is, and what is allowed. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** The configuration with its references resolved, and the texts that must never be shown. */
export interface Resolved {
  readonly value: unknown;
  readonly secrets: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** Settings that hold or may hold a secret: with `_file` appended to their name, they come from a file. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set(['url', 'password', 'secret', 'api_key']);
const REFERENCE = /\$\{(env|file):([^}]+)\}/g;

/**
 * Resolves `${env:NAME}` and `${file:PATH}` in every text, and settings such as `password_file`. Empty settings are
 * left out, except `equals`: an answer may be compared with an empty text.
 *
 * @param dir the directory that paths of files are relative to
 */
export function resolveSecrets(value: unknown, environment: NodeJS.ProcessEnv, dir: string): Resolved {
  const secrets = new Set<string>();
  const problems: Problem[] = [];

  const readSecret = (kind: string, name: string, path: string): string => {
    const secret = kind === 'env' ? environment[name] : readFile(resolve(dir, name));
    if (secret === undefined || isUnset(secret)) {
      problems.push({
        path,
        message:
          kind === 'env'
            ? `names the variable ${name}, which is not set`
            : `names the file ${name}, which cannot be read or is empty`,
      });
      return '';
    }
    secrets.add(secret);
    return secret;
  };

  const walk = (node: unknown, path: string): unknown => {
    if (typeof node === 'string')
      return node.replaceAll(REFERENCE, (_whole, kind: string, name: string) => readSecret(kind, name, path));
    if (Array.isArray(node)) return node.map((item, index) => walk(item, `${path}[${index}]`));
    if (typeof node !== 'object' || node === null) return node;
    const result: Record<string, unknown> = {};
    for (const [key, child] of Object.entries(node)) {
      if (isUnset(child) && key !== 'equals') continue;
      const childPath = path === '' ? key : `${path}.${key}`;
      const setting = key.endsWith('_file') ? key.slice(0, -'_file'.length) : '';
      if (typeof child === 'string' && SECRET_SETTINGS.has(setting))
        result[setting] = readSecret('file', child, childPath);
      else result[key] = walk(child, childPath);
    }
    return result;
  };

  return { value: walk(value, ''), secrets, problems };
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
