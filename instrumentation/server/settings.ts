import type { CaptureOptions } from '../capture/types.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';

/** What the capture of a server can be told, in code or by environment. */
export interface CaptureSettings {
  /** Whose routes to recognise; CLOWDER_VERSION. @default 'auto' */
  readonly clowder?: ClowderVersion;
  /** Path that precedes every route of Clowder, e.g. '/clowder'; CLOWDER_CONTEXT. @default none */
  readonly contextPath?: string;
  /** Name of this Clowder in its events; CLOWDER_INSTANCE. @default none */
  readonly instance?: string | undefined;
  /** Whether X-Forwarded-For and Forwarded name the client: there is a proxy in front that sets them; CLOWDER_TRUST_FORWARDED. @default false */
  readonly trustForwarded?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const VERSIONS: ReadonlySet<string> = new Set<ClowderVersion>(['v1', 'v2', 'auto']);
const TRUE = new Set(['true', '1', 'yes', 'on']);

/**
 * Settings in force: those given in code, then the environment's, then the defaults.
 *
 * @param log told of a variable that cannot be understood; its default is taken
 */
export function captureOptions(
  settings: CaptureSettings,
  env: Environment = process.env,
  log: (message: string) => void = () => undefined,
): CaptureOptions {
  const version = settings.clowder ?? given(env['CLOWDER_VERSION']) ?? 'auto';
  if (!isVersion(version)) log(`CLOWDER_VERSION is "${version}"; it may be v1, v2 or auto. Taking auto`);
  const instance = given(settings.instance ?? env['CLOWDER_INSTANCE']);
  const trustForwarded = given(env['CLOWDER_TRUST_FORWARDED'])?.toLowerCase() ?? 'false';
  return {
    clowder: isVersion(version) ? version : 'auto',
    contextPath: contextPath(settings.contextPath ?? given(env['CLOWDER_CONTEXT']) ?? ''),
    trustForwarded: settings.trustForwarded ?? TRUE.has(trustForwarded),
    ...(instance !== undefined && { instance }),
  };
}

/** Set to nothing is not set (OTel specification, environment variables). */
function given(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function isVersion(text: string): text is ClowderVersion {
  return VERSIONS.has(text);
}

/** With a slash in front and none behind; '' for the root. */
function contextPath(path: string): string {
  const bare = path.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `/${bare}`;
}
