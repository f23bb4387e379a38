import { SETTINGS, checkGrpc, loadSettings } from '../collector/config.ts';
import { selfTelemetrySettings } from '../collector/self-telemetry/settings.ts';
import { portProblems } from '../collector/port-problems.ts';
import { startProblems } from '../collector/start-problems.ts';
import { PROXY_FLAGS } from '../proxy/flags.ts';
import { parseProxySettings } from '../proxy/settings.ts';
import { DEFAULT_AMQP_URL } from '../runtime/amqp/amqp-url.ts';
import { checkBrokers } from '../runtime/amqp/broker-settings.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { checkTlsFiles } from '../runtime/config/tls-files.ts';
import type { GlobalOptions } from './global-options.ts';
import { checkMonitor } from './monitor.ts';
import { fileOf, printSettingRows, settingRows, type CheckedProgram } from './setting-rows.ts';
import { printSinkSettings } from './sink.ts';
import { placeOf } from './usage.ts';

/** Prints what each program would use. @throws ConfigError with everything that its start would refuse */
const CHECKS = {
  collector: checkCollector,
  proxy: checkProxy,
  sink: printSinkSettings,
  monitor: checkMonitor,
} as const satisfies Record<CheckedProgram, (options: GlobalOptions) => void | Promise<void>>;

/** `config check`: prints every setting as it would be used. */
export async function checkConfig(options: GlobalOptions, program: CheckedProgram): Promise<void> {
  await CHECKS[program](options);
}

async function checkCollector({ config }: GlobalOptions): Promise<void> {
  const settings = loadSettings(process.env, config, [checkBrokers, checkGrpc, startProblems]);
  const problems = await portProblems(settings);
  if (problems.length > 0) throw ConfigError.of(problems);
  const own = { host: settings.HOST, ports: [settings.PORT, settings.GRPC_PORT] };
  for (const warning of selfTelemetrySettings(process.env, own).warnings) process.stderr.write(`${warning}\n`);
  const values = { AMQP_URL: DEFAULT_AMQP_URL, ...settings, USAGE_STORE: placeOf(settings) };
  printSettingRows(settingRows({ config, settings: SETTINGS, values }));
}

function checkProxy({ config }: GlobalOptions): void {
  const settings = parseProxySettings(process.env, fileOf(config));
  const problems = [
    ...checkTlsFiles({ cert: 'PROXY_TLS_CERT_FILE', key: 'PROXY_TLS_KEY_FILE' }, settings),
    ...checkTlsFiles({ ca: 'PROXY_TARGET_CA_FILE' }, settings),
  ];
  if (problems.length > 0) throw ConfigError.of(problems);
  const described = PROXY_FLAGS.map(({ setting, flag, description }) => ({
    name: setting,
    description: `${description} (${flag})`,
  }));
  printSettingRows(settingRows({ config, settings: described, values: settings }));
}
