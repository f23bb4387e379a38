import * as http from 'node:http';
import { ConfigError } from './config/config-error.ts';
import { shown } from './config/blank.ts';
import { textOf, type Environment } from './config/source.ts';
import { httpUrl } from './config/values.ts';

/**
 * The variables that curl and others read too, in the form that Node accepts. Loopback addresses never go through a
 * proxy.
 */
export interface OutgoingProxy {
  readonly http_proxy?: string;
  readonly https_proxy?: string;
  readonly no_proxy: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1', '[::1]'];

/**
 * The proxy for outgoing requests: HTTP_PROXY and HTTPS_PROXY, and NO_PROXY for hosts to reach directly. Lower-case
 * names work too, and win.
 *
 * @returns undefined if none is set
 * @throws ConfigError if one is not the URL of a proxy
 */
export function outgoingProxy(environment: Environment): OutgoingProxy | undefined {
  const problems: string[] = [];
  const proxyOf = (name: string): string | undefined => {
    const variable = textOf(environment, name.toLowerCase()) === undefined ? name : name.toLowerCase();
    const given = textOf(environment, variable);
    if (given === undefined || httpUrl.parse(given) !== undefined) return given;
    problems.push(
      `${variable} was ${shown(given, false)}: must be the URL of a proxy, such as http://proxy.example.org:3128`,
    );
    return undefined;
  };
  const [plain, secure] = [proxyOf('HTTP_PROXY'), proxyOf('HTTPS_PROXY')];
  if (problems.length > 0) throw ConfigError.of(problems);
  if (plain === undefined && secure === undefined) return undefined;
  const direct = textOf(environment, 'no_proxy') ?? textOf(environment, 'NO_PROXY');
  return {
    ...(plain !== undefined && { http_proxy: plain }),
    ...(secure !== undefined && { https_proxy: secure }),
    no_proxy: direct === '*' ? direct : [...(direct === undefined ? [] : [direct]), ...LOOPBACK].join(','),
  };
}

/**
 * From here on, `fetch` and requests without their own agent go through the proxy of the environment.
 *
 * @throws ConfigError if that is impossible: requests must not bypass the proxy
 */
export function useOutgoingProxy(environment: Environment): void {
  const proxy = outgoingProxy(environment);
  if (proxy === undefined) return;
  // Exists since Node 24.14 and 25.4.
  const use: typeof http.setGlobalProxyFromEnv | undefined = http.setGlobalProxyFromEnv;
  if (use === undefined)
    throw new ConfigError(
      `HTTP_PROXY or HTTPS_PROXY is set, which Node ${process.version} ignores: run Node 24.14 or newer, or unset them`,
    );
  use({ ...proxy });
}
