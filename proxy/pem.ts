import { readFileSync } from 'node:fs';
import { ProxyConfigError } from './settings.ts';

/**
 * The content of a certificate, key or CA.
 *
 * @param name of the setting
 * @param path undefined where it is not given
 * @throws ProxyConfigError where the file cannot be read
 */
export function readPem(name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ProxyConfigError(`The configuration is wrong:\n  ${name} was ${JSON.stringify(path)}: ${reason}`, {
      cause,
    });
  }
}
