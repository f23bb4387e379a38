import type { ProxySettings } from '../settings.ts';

/** What a proxy has in all, of which each of its workers has a part; 0 and undefined are no limit. */
const DIVIDED = [
  'PROXY_MAX_CONNECTIONS',
  'PROXY_MAX_CONNECTIONS_PER_ADDRESS',
  'PROXY_MAX_REQUESTS_PER_ADDRESS',
  'PROXY_MAX_TARGET_CONNECTIONS',
] as const satisfies readonly (keyof ProxySettings)[];

/**
 * The settings of one of so many workers: limits in equal parts, one at least, so that all together keep them. What one
 * program does for all, the admin listener, is not among them.
 *
 * @param port where all of them listen
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
