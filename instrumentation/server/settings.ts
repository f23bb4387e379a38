import { shown } from '../../runtime/config/blank.ts';
import { textOf, type Environment } from '../../runtime/config/source.ts';
import { networks } from '../../runtime/config/networks.ts';
import { entriesOf, flag, oneOf } from '../../runtime/config/values.ts';
import type { CaptureOptions } from '../capture/types.ts';
import { trustsCaller, type TrustsCaller } from '../telemetry/caller.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';

/** Capture settings of a server, given in code or by the environment. */
export interface CaptureSettings {
  /** Which Clowder's routes to recognise; CLOWDER_VERSION. @default 'auto' */
  readonly clowder?: ClowderVersion;
  /** Path before every Clowder route, e.g. '/clowder'; CLOWDER_CONTEXT. @default none */
  readonly contextPath?: string;
  /** Name of this Clowder in its events; CLOWDER_INSTANCE. @default none */
  readonly instance?: string | undefined;
  /**
   * Whether X-Forwarded-For and Forwarded name the client, because a proxy in front sets them; CLOWDER_TRUST_FORWARDED.
   * @default false
   */
  readonly trustForwarded?: boolean;
  /**
   * Addresses and networks of the reverse proxies in front, whose traces are continued; TRUSTED_PROXIES.
   * @default all callers if `trustForwarded`, else none
   */
  readonly trustedProxies?: readonly string[];
}

const VERSION = oneOf<ClowderVersion>(['v1', 'v2', 'auto']);

/**
 * The effective settings: those given in code, then the environment's, then the defaults.
 *
 * @param log called with each invalid variable, whose default is then used
 */
export function captureOptions(
  settings: CaptureSettings,
  env: Environment = process.env,
  log: (message: string) => void = () => undefined,
): CaptureOptions {
  const given = settings.clowder ?? textOf(env, 'CLOWDER_VERSION') ?? 'auto';
  const version = VERSION.parse(given);
  if (version === undefined) log(`CLOWDER_VERSION is ${shown(given, false)}; it may be v1, v2 or auto. Taking auto`);
  const instance = settings.instance?.trim() || textOf(env, 'CLOWDER_INSTANCE');
  return {
    source: 'sdk',
    clowder: version ?? 'auto',
    contextPath: contextPath(settings.contextPath ?? textOf(env, 'CLOWDER_CONTEXT') ?? ''),
    trustForwarded: settings.trustForwarded ?? trustForwarded(env, log),
    ...(instance !== undefined && { instance }),
  };
}

/** Whose traces are continued. @param log called with each invalid variable; if it is TRUSTED_PROXIES, no caller is trusted */
export function callerTrust(
  settings: CaptureSettings,
  env: Environment = process.env,
  log: (message: string) => void = () => undefined,
): TrustsCaller {
  const given = settings.trustedProxies?.join(',') ?? textOf(env, 'TRUSTED_PROXIES');
  const trusted = given === undefined ? '' : networks.parse(given);
  if (trusted === undefined) {
    log(`TRUSTED_PROXIES is ${shown(given, false)}; it may be ${networks.mayBe}. Trusting nobody`);
    return trustsCaller([], false);
  }
  return trustsCaller(entriesOf(trusted), settings.trustForwarded ?? trustForwarded(env, log));
}

function trustForwarded(env: Environment, log: (message: string) => void): boolean {
  const given = textOf(env, 'CLOWDER_TRUST_FORWARDED') ?? 'false';
  const trusts = flag.parse(given);
  if (trusts === undefined)
    log(`CLOWDER_TRUST_FORWARDED is ${shown(given, false)}; it may be ${flag.mayBe}. Taking false`);
  return trusts ?? false;
}

/** With a leading slash and no trailing one; '' for the root. */
function contextPath(path: string): string {
  const bare = path.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `/${bare}`;
}
