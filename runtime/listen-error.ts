import { errorText } from './error-text.ts';

/** The program cannot listen at its address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'cannot_listen';
}

/** An address to listen on, and the settings it comes from. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The variable that holds both; without one, they are in HOST and PORT. */
  readonly setting?: string | undefined;
  /** The variable that holds the port if host and port have one each. @default PORT */
  readonly portSetting?: string;
}

/** How messages name an address and its parts. */
interface Named {
  readonly host: string;
  readonly port: string;
  readonly both: string;
  readonly hostSetting: string;
  readonly portSetting: string;
}

const noAddress = ({ host, hostSetting }: Named): string =>
  `${host} is not an address of this machine: set ${hostSetting} to one that is, or to 0.0.0.0 for all`;

const EXPLANATIONS: Readonly<Record<string, (named: Named) => string>> = {
  EADDRINUSE: ({ both, portSetting }) =>
    `${both} is in use by another program: stop that one, or set ${portSetting} to a free one`,
  EADDRNOTAVAIL: noAddress,
  ENOTFOUND: noAddress,
  EAI_AGAIN: noAddress,
  EACCES: ({ port, portSetting }) => `This user may not listen on ${port}: set ${portSetting} to one above 1023`,
};

/** Node's error about an address, as what is wrong and what to set. */
export function listenError(cause: unknown, { host, port, setting, portSetting = 'PORT' }: ListenAddress): ListenError {
  const named: Named =
    setting === undefined
      ? {
          host: `HOST ${host}`,
          port: `${portSetting} ${port}`,
          both: `${portSetting} ${port} of ${host}`,
          hostSetting: 'HOST',
          portSetting,
        }
      : {
          host: `${setting} ${host}`,
          port: `port ${port}`,
          both: `${setting} ${host}:${port}`,
          hostSetting: `the host of ${setting}`,
          portSetting: `the port of ${setting}`,
        };
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = errorText(cause);
  const where = setting === undefined ? `HOST ${host}, ${portSetting} ${port}` : named.both;
  return new ListenError(EXPLANATIONS[code]?.(named) ?? `${where} cannot be listened on: ${reason}`, { cause });
}

/** `http://127.0.0.1:9464`; IPv6 addresses in brackets. */
export function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
