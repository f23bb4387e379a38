import type { z } from 'zod';
import type { SendOutcome } from '../runtime/sending/outcome.ts';

/** A field's value in an event's flat body. */
export type FieldValue = string | number | boolean;

/** An event as a sink sees it: filtered, mapped, and cut down to what the privacy policy lets through. */
export interface SinkEvent {
  /** `message_id` of the message: the event's identity, what a service may dedupe on. */
  readonly id: string;
  /** Event type, e.g. `file.uploaded`. */
  readonly type: string;
  /** When it happened, Unix milliseconds. */
  readonly createdMs: number;
  /** What the event is about, `file/66f…`; '' for none. Events of one resource are sent in the order they came. */
  readonly resource: string;
  /** The flat body after mapping and policy; `event_id`, `event` and `created` are always in it. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** How much a service takes at once. */
export interface BatchLimits {
  readonly maxEvents: number;
  /** Of what `sizeOf` adds up, bytes. */
  readonly maxBytes: number;
  /** Bytes that an event takes in the request, about. @default its flat body as JSON */
  readonly sizeOf?: (event: SinkEvent) => number;
}

/** What a sink is given by the process that runs it. */
export interface SinkContext {
  /** `@param fields` are structured and hold no secret. */
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** An open connection to a service, or what stands for one. */
export interface Sink {
  /**
   * A dry run: is the service there, does it know the key, can it be written to? It stores nothing, or says what.
   *
   * @returns a sentence for the operator
   * @throws SinkError that says what to do
   */
  check(signal: AbortSignal): Promise<string>;
  /**
   * Sends a batch, in order. It resolves only when the service has answered for it.
   *
   * @param batch not empty, within the limits
   * @param signal aborts at the time-out: what it throws then counts as `retry`, as does everything else it throws
   */
  send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome>;
  /** Lets go of connections and files; nothing is being sent. */
  close(): Promise<void>;
}

/** A kind of service: all that the rest of the program has to know of it. */
export interface SinkDefinition<Config> {
  /** Of the sink on the command line, in its queue's name and in metrics; a-z and digits. */
  readonly name: string;
  /** One line for `sink list`. */
  readonly description: string;
  /** Its own settings, as they stand in the file under its name. */
  readonly config: z.ZodType<Config>;
  /** Environment variable → setting; the sink runs if all required settings are given. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether the events leave the institute: then nothing personal goes out unless the operator says so. */
  readonly thirdParty: boolean;
  /** Whether the service, or the sink, stores an event once that is sent twice. */
  readonly dedupes: boolean;
  limits(config: Config): BatchLimits;
  /** @throws SinkError where it cannot even be tried */
  open(config: Config, context: SinkContext): Promise<Sink>;
}

/** What keeps a sink from working; the message says what to do about it. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
  readonly code: 'unreachable' | 'unauthorised' | 'invalid_config' | 'not_ready';

  constructor(code: SinkError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
