import { readFileSync } from 'node:fs';
import { parseAmqpUrls } from '../exporter/amqp-url.ts';
import type { Settings } from './config.ts';

/** Files of TLS, which must be readable, and brokers, which must be well-formed. */
export function checkBrokers(settings: Settings): readonly string[] {
  const problems: string[] = [];
  if (settings.AMQP_URL !== undefined) {
    try {
      parseAmqpUrls(settings.AMQP_URL);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  for (const name of ['AMQP_CA_FILE', 'AMQP_CERT_FILE', 'AMQP_KEY_FILE'] as const) {
    const path = settings[name];
    if (path === undefined) continue;
    try {
      readFileSync(path);
    } catch (error) {
      problems.push(`${name} was ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if ((settings.AMQP_CERT_FILE === undefined) !== (settings.AMQP_KEY_FILE === undefined)) {
    problems.push('AMQP_CERT_FILE and AMQP_KEY_FILE go together: set both or neither');
  }
  return problems;
}

/** The publisher's TLS options from the files that the settings name. */
export function amqpTls(
  settings: Settings,
  read: (path: string) => Buffer,
): { tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer } } {
  const { AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE } = settings;
  if (AMQP_CA_FILE === undefined && AMQP_CERT_FILE === undefined) return {};
  return {
    tls: {
      ...(AMQP_CA_FILE !== undefined && { ca: read(AMQP_CA_FILE) }),
      ...(AMQP_CERT_FILE !== undefined && { cert: read(AMQP_CERT_FILE) }),
      ...(AMQP_KEY_FILE !== undefined && { key: read(AMQP_KEY_FILE) }),
    },
  };
}
