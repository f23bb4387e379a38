import type { HeldState } from '../collector/publishing/held-groups.ts';
import type { Situation } from '../collector/readiness.ts';
import type { JournalParts } from '../collector/journal/journal.ts';
import type { Disk } from './disk.ts';
import type { Observation } from './requests.ts';
import type { Poster } from '../taxonomy/stated.ts';
import type { OnOutcome, Publisher, PublisherOptions } from '../exporter/publisher.ts';

type Connect = NonNullable<PublisherOptions['connect']>;

/** The producer of posted events, as the HTTP API knows it. */
export interface SimulatedPoster {
  readonly source: 'api';
  readonly producer: string;
}

/** A fixed fault, reintroduced where the parts are wired together. The product does not know about it. */
export interface Mutation {
  readonly journal: (disk: Disk) => JournalParts;
  readonly connect: (connect: Connect) => Connect;
  readonly publisher: (publisher: Publisher) => Publisher;
  readonly situation: (situation: Situation) => Situation;
  readonly observation: (observation: Observation) => Observation;
  readonly poster: (poster: SimulatedPoster) => Omit<Poster, 'eventId'>;
}

const NOTHING_HELD: HeldState = {
  unroutable: { events: 0, oldestMs: undefined },
  nacked: { events: 0, oldestMs: undefined },
};

const same = <T>(part: T): T => part;

export const NO_MUTATION: Mutation = {
  journal: (disk) => disk.parts,
  connect: same,
  publisher: same,
  situation: same,
  observation: same,
  poster: ({ source, producer }) => ({ source, producer }),
};

/** Mutations by the name of their fault. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  /** The collector treats a channel closed over a message as merely lost, and sends the message again for ever. */
  'one-event-stops-all': { ...NO_MUTATION, connect: withoutCodes },
  /** A message that a full queue refuses is published again at once. */
  'nacked-floods': { ...NO_MUTATION, publisher: republishing },
  /** Messages that no queue takes are kept, but readiness does not report them. */
  'held-is-not-told': {
    ...NO_MUTATION,
    situation: (situation) => ({ ...situation, held: NOTHING_HELD }),
  },
  /** Two producers that use the same id are taken for one. */
  'one-namespace-of-ids': { ...NO_MUTATION, poster: ({ source }) => ({ source }) },
  /** A request is identified by its trace alone, which the client chose. */
  'one-trace-is-one-request': {
    ...NO_MUTATION,
    observation: ({ by, request }) => ({ by, request: { ...request, requestId: '' } }),
  },
  /** An event that others may be added to is acknowledged before it is on disk. */
  'held-in-memory-alone': { ...NO_MUTATION, journal: (disk) => withoutGatherings(disk.parts) },
  /** The journal fills its disk to the last byte: with no room for the cursor, no room can ever be freed. */
  'full-disk-for-ever': { ...NO_MUTATION, journal: (disk) => disk.unguarded },
};

function withoutCodes(connect: Connect): Connect {
  return async (...args) => {
    const model = await connect(...args);
    const createConfirmChannel = model.createConfirmChannel.bind(model);
    model.createConfirmChannel = async () => {
      const channel = await createConfirmChannel();
      const emit = channel.emit.bind(channel);
      channel.emit = (event: string, ...values: unknown[]) =>
        event === 'error' ? emit('error', new Error('Channel closed')) : emit(event, ...values);
      return channel;
    };
    return model;
  };
}

function withoutGatherings(parts: JournalParts): JournalParts {
  return {
    ...parts,
    startWriter: (options) => {
      const writer = parts.startWriter(options);
      return {
        postMessage: (message) =>
          writer.postMessage(
            message === 'close' || message === 'look'
              ? message
              : message.map(({ hold = [], ...change }) => ({
                  ...change,
                  hold: hold.filter(({ reason }) => reason !== 'gathering'),
                })),
          ),
        on: writer.on.bind(writer),
      };
    },
  };
}

function republishing(publisher: Publisher): Publisher {
  return {
    publish: (message, onSettled) => {
      const again: OnOutcome = (outcome, reason) => {
        if (outcome !== 'nacked') onSettled(outcome, reason);
        else if (!publisher.publish(message, again)) void publisher.ready().then(() => again('nacked'));
      };
      return publisher.publish(message, again);
    },
    ready: () => publisher.ready(),
    get state() {
      return publisher.state;
    },
    get counters() {
      return publisher.counters;
    },
    close: (options) => publisher.close(options),
  };
}
