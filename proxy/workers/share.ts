import type { ProxySettings } from '../settings.ts';

/** Limits of the whole proxy that are divided among its workers; 0 and undefined mean no limit. */
const DIVIDED = [
  'PROXY_MAX_CONNECTIONS',
  'PROXY_MAX_CONNECTIONS_PER_ADDRESS',
  'PROXY_MAX_REQUESTS_PER_ADDRESS',
  'PROXY_MAX_TARGET_CONNECTIONS',
] as const satisfies readonly (keyof ProxySettings)[];

/**
 * The settings of one worker. Limits are divided equally, but to at least one, so that all workers together keep them. The
 * admin listener is left out: the primary runs it.
 *
 * @param port where all workers listen
 */
export function shareOf(settings: ProxySettings, workers: number, port: number): ProxySettings {
  const share: ProxySettings = {
    ...settings,
    PROXY_ADMIN: undefined,
    PROXY_LISTEN: { ...settings.PROXY_LISTEN, port },
  };
  for (const name of DIVIDED) {
    const whole = settings[name];
    if (whole !== undefined && whole > 0) share[name] = Math.max(1, Math.floor(whole / workers));
  }
  return share;
}
