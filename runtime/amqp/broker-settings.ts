import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { blankUrls, whyUnreadable } from '../config/blank.ts';
import { text } from '../config/schema.ts';
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

const TLS_FILES = ['AMQP_CA_FILE', 'AMQP_CERT_FILE', 'AMQP_KEY_FILE'] as const;

/** Brokers, which must be well-formed, and files of TLS, which must be readable and go together. */
export function checkBrokers(settings: BrokerSettings): readonly string[] {
  const files = TLS_FILES.flatMap((name) => problemsOf(() => readOne(name, settings[name])));
  const pair =
    (settings.AMQP_CERT_FILE === undefined) === (settings.AMQP_KEY_FILE === undefined)
      ? []
      : ['AMQP_CERT_FILE and AMQP_KEY_FILE go together: set both or neither'];
  const unreadable = [...files, ...pair];
  return [
    ...problemsOf(() => parseAmqpUrls(settings.AMQP_URL)),
    ...unreadable,
    ...(unreadable.length > 0 ? [] : problemsOf(() => checkTls(settings))),
  ];
}

function readOne(name: string, path: string | undefined): void {
  if (path === undefined) return;
  try {
    readFileSync(path);
  } catch (cause) {
    throw new Error(`${name} was ${blankUrls(path)}: must be a readable file (${whyUnreadable(cause)})`, { cause });
  }
}

function checkTls(settings: BrokerSettings): void {
  const { tls } = amqpTls(settings, readFileSync);
  if (tls === undefined) return;
  try {
    createSecureContext(tls);
  } catch (cause) {
    const set = TLS_FILES.filter((name) => settings[name] !== undefined).map(
      (name) => `${name} was ${blankUrls(settings[name] ?? '')}`,
    );
    throw new Error(`${set.join(', ')}: must be PEM, and the key that of the certificate (${messageOf(cause)})`, {
      cause,
    });
  }
}

function problemsOf(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The publisher's TLS options from the files that the settings name. */
export function amqpTls(settings: BrokerSettings, read: (path: string) => Buffer): { tls?: BrokerTls } {
  const { AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE } = settings;
  if (AMQP_CA_FILE === undefined && AMQP_CERT_FILE === undefined) return {};
  return { tls: readTls({ ca: AMQP_CA_FILE, cert: AMQP_CERT_FILE, key: AMQP_KEY_FILE }, read) };
}
