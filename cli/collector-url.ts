import type { Settings } from '../collector/config.ts';

/** URL of the collector with these settings, as seen from this machine. @param path with its slash */
export function collectorUrl({ HOST, PORT }: Pick<Settings, 'HOST' | 'PORT'>, path: string): URL {
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST;
  return new URL(path, `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`);
}
