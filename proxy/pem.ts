import { readFileSync } from 'node:fs';
import { shown, whyUnreadable } from '../runtime/config/blank.ts';
import { ConfigError } from '../runtime/config/config-error.ts';

/**
 * The content of a certificate, key or CA file.
 *
 * @param name of the setting
 * @param path undefined if the setting is not given
 * @throws ConfigError if the file cannot be read
 */
export function readPem(name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const problem = `${name} was ${shown(path, false)}: must be a readable file (${whyUnreadable(cause)})`;
    throw ConfigError.of([problem]);
  }
}
