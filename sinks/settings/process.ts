import { z } from 'zod';

const text = z.string('must be text').min(1);
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const SECRET_MIN = 16;

const ADDRESS = 'must be an address and a port, such as 127.0.0.1:9465 or [::1]:9465';
const address = z.string(ADDRESS).transform((given, context) => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(given);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port };
  context.addIssue({ code: 'custom', message: ADDRESS });
  return z.NEVER;
});

/** Where RabbitMQ is. */
const broker = z.object({
  AMQP_URL: text.optional(),
  AMQP_CA_FILE: text.optional(),
  AMQP_CERT_FILE: text.optional(),
  AMQP_KEY_FILE: text.optional(),
});

/** Settings of the process that runs sinks, by their names as variables and in the file. */
const settings = z.object({
  ...broker.shape,
  LOG_LEVEL: z.enum(LEVELS, `must be one of ${LEVELS.join(', ')}`).default('info'),
  SINK_ADMIN: address.optional(),
  SINK_HASH_SECRET: z.string().min(SECRET_MIN, `must have at least ${SECRET_MIN} characters`).optional(),
});

export type ProcessSettings = z.infer<typeof settings>;
type BrokerSettings = z.infer<typeof broker>;

export interface LoadedProcessSettings {
  /** undefined where one of them is wrong. */
  readonly settings: ProcessSettings | undefined;
  /** Those of the broker, for further checks also where others are wrong. */
  readonly broker: BrokerSettings;
  readonly problems: readonly string[];
}

/** The environment wins over the file; empty counts as unset. */
export function loadProcessSettings(
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, unknown>>,
): LoadedProcessSettings {
  const given = Object.fromEntries(
    Object.keys(settings.shape).flatMap((name) => {
      const value = environment[name] === '' ? undefined : environment[name];
      return value === undefined && file[name] === undefined ? [] : [[name, value ?? file[name]]];
    }),
  );
  const parsed = settings.safeParse(given);
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => {
    const name = String(path[0]);
    return `${name} was ${/SECRET|URL/.test(name) ? '***' : JSON.stringify(given[name])}: ${message}`;
  });
  return { settings: parsed.data, broker: broker.safeParse(given).data ?? {}, problems };
}
