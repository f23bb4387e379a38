import type { Settings } from '../collector/config.ts';

/** The collector of these settings, as this machine asks for it. @param path with its slash */
export function collectorUrl({ HOST, PORT }: Pick<Settings, 'HOST' | 'PORT'>, path: string): URL {
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST;
  return new URL(path, `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`);
}
