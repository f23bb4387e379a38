import { text } from '../config/schema.ts';
import { checkTlsFiles } from '../config/tls-files.ts';
import { parseAmqpUrls } from './amqp-url.ts';
import { readTls, type BrokerTls } from './connection.ts';

/** Where RabbitMQ is: the same settings for every program. */
export const brokerSettings = {
  AMQP_URL: text.optional().describe('RabbitMQ broker, or several separated by commas'),
  AMQP_CA_FILE: text.optional().describe('CA certificate for amqps, PEM'),
  AMQP_CERT_FILE: text.optional().describe('Client certificate for amqps, PEM'),
  AMQP_KEY_FILE: text.optional().describe('Key of the client certificate, PEM'),
};

export type BrokerSettings = { readonly [name in keyof typeof brokerSettings]?: string | undefined };

const TLS_FILES = { ca: 'AMQP_CA_FILE', cert: 'AMQP_CERT_FILE', key: 'AMQP_KEY_FILE' } as const;

/** Brokers, whose URLs must be well-formed, and TLS files, which must be readable and match. */
export function checkBrokers(settings: BrokerSettings): readonly string[] {
  return [...problemsOf(() => parseAmqpUrls(settings.AMQP_URL)), ...checkTlsFiles(TLS_FILES, settings)];
}

function problemsOf(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** The publisher's TLS options from the files that the settings name. */
export function amqpTls(settings: BrokerSettings, read: (path: string) => Buffer): { tls?: BrokerTls } {
  const { AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE } = settings;
  if (AMQP_CA_FILE === undefined && AMQP_CERT_FILE === undefined) return {};
  return { tls: readTls({ ca: AMQP_CA_FILE, cert: AMQP_CERT_FILE, key: AMQP_KEY_FILE }, read) };
}
