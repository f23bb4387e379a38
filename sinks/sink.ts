import type { z } from 'zod';
import type { SendOutcome } from '../runtime/sending/outcome.ts';

/** A field's value in an event's flat body. */
export type FieldValue = string | number | boolean;

/** An event as a sink sees it: filtered, mapped, and limited to what the privacy policy lets through. */
export interface SinkEvent {
  /** `message_id` of the message: the event's identity, by which a service may remove duplicates. */
  readonly id: string;
  /** Event type, e.g. `file.uploaded`. */
  readonly type: string;
  /** When it happened, Unix milliseconds. */
  readonly createdMs: number;
  /** The resource that the event is about, `file/66f…`; '' for none. Events of one resource are sent in order of arrival. */
  readonly resource: string;
  /** The flat body after mapping and policy; it always has `event_id`, `event` and `created`. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** How much a service accepts at once. */
export interface BatchLimits {
  readonly maxEvents: number;
  /** Most bytes, as `sizeOf` adds them up. */
  readonly maxBytes: number;
  /** Approximate bytes of an event in the request. @default its flat body as JSON */
  readonly sizeOf?: (event: SinkEvent) => number;
}

/** What the process gives each sink that it runs. */
export interface SinkContext {
  /** Fields are structured and contain no secrets. */
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** An open connection to a service, or an equivalent. */
export interface Sink {
  /**
   * A dry run: is the service reachable, does it accept the key, is it writable? Stores nothing, or says what.
   *
   * @returns a sentence for the operator
   * @throws SinkError that says what to do
   */
  check(signal: AbortSignal): Promise<string>;
  /**
   * Sends a batch, in order. Resolves only when the service has answered.
   *
   * @param batch not empty, and within the limits
   * @param signal aborts at the time-out; every error that `send` throws counts as `retry`
   */
  send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome>;
  /** Releases connections and files; called when nothing is being sent. */
  close(): Promise<void>;
}

/** A kind of service: all that the rest of the program needs to know about it. */
export interface SinkDefinition<Config> {
  /** The sink's name on the command line, in its queue's name and in metrics; a-z and digits. */
  readonly name: string;
  /** One line for `sink list`. */
  readonly description: string;
  /** Its own settings, as in the file under its name. */
  readonly config: z.ZodType<Config>;
  /** Environment variable → setting; if one of them is set, the sink is configured. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether events leave the institute: if so, nothing personal is sent unless the operator allows it. */
  readonly thirdParty: boolean;
  /** Whether the service, or the sink, stores an event once if it is sent twice. */
  readonly dedupes: boolean;
  limits(config: Config): BatchLimits;
  /** @throws SinkError if it cannot even be attempted */
  open(config: Config, context: SinkContext): Promise<Sink>;
}

/** What keeps a sink from working. The message says what to do. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
  readonly code: 'unreachable' | 'unauthorised' | 'invalid_config' | 'not_ready';

  constructor(code: SinkError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
