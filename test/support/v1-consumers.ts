/** What a consumer keeps of a message; empty if it cannot store it. */
export type Kept = Readonly<Record<string, unknown>>;

export interface V1Consumer {
  readonly name: string;
  /** @throws Error if the consumer would crash */
  readonly read: (content: Uint8Array) => Kept;
}

/** The fields of a point, besides its tags, that the InfluxDB consumer reads. */
const INFLUXDB_FIELDS = [
  'resource_id',
  'resource_name',
  'dataset_id',
  'dataset_name',
  'user_name',
  'author_name',
  'size',
  'service_name',
  'uptime',
  'response_time_avg',
  'response_time_min',
  'response_time_max',
  'response_time_loss',
];

/** The deployed programs that read `clowder.metrics`, as far as a message can crash them. */
export const CONSUMERS: readonly V1Consumer[] = [
  { name: 'the InfluxDB consumer', read: readForInfluxdb },
  // These keep the message's whole text.
  ...['echo', 'MongoDB', 'Amplitude', 'Google Analytics'].map((name) => ({
    name: `the ${name} consumer`,
    read: (content: Uint8Array): Kept => ({ message: textOf(content) }),
  })),
];

function textOf(content: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(content);
}

function readForInfluxdb(content: Uint8Array): Kept {
  const event = JSON.parse(textOf(content)) as Record<string, unknown>;
  const { created } = event;
  // It infers seconds, milliseconds or microseconds from the number of digits.
  if (!Number.isInteger(created) || !/^\d{12,14}$/.test(String(created)))
    throw new Error(`${String(created)} is not taken for milliseconds`);
  for (const name of INFLUXDB_FIELDS)
    if (typeof event[name] === 'number' && !Number.isSafeInteger(event[name]))
      throw new Error(`${name} was a whole number before`);
  return Object.fromEntries(
    INFLUXDB_FIELDS.filter((name) => name in event && event[name] !== '').map((name) => [name, event[name]]),
  );
}
