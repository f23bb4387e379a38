import { Option, type Command } from 'commander';
import { PROXY_FLAGS } from '../proxy/flags.ts';

export const DEFAULT_OTLP_ENDPOINT = 'http://127.0.0.1:4318';

/** Adds the proxy's flags, each described with its environment variable. */
export function addProxyFlags(command: Command): Command {
  for (const { flag, setting, description, shownDefault } of PROXY_FLAGS) {
    const shown = shownDefault === undefined ? '' : `, default ${shownDefault}`;
    command.addOption(new Option(flag, `${description} (${setting}${shown})`));
  }
  return command.addHelpText('after', AFTER_HELP);
}

const AFTER_HELP = `
A flag wins over its environment variable. Telemetry is set up by the standard OTEL_* variables; it goes to
OTEL_EXPORTER_OTLP_ENDPOINT, by default ${DEFAULT_OTLP_ENDPOINT}.
SIGTERM: finish what is in flight, send what is captured, exit 0 within 10 s. SIGHUP: read certificate and key again.`;

/** Settings given as flags, by environment variable. */
export function flagValues(command: Command): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const { flag, setting } of PROXY_FLAGS) {
    const value: unknown = command.getOptionValue(new Option(flag).attributeName());
    if (value !== undefined) given[setting] = value;
  }
  return given;
}
