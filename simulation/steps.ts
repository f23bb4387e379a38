import type { Queue } from './broker-side.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

/** One step of a simulation. Its own seed determines what it does, whichever steps precede it. */
export interface Step {
  readonly kind: StepKind;
  readonly seed: number;
}

interface StepRule {
  /** Relative frequency. */
  readonly weight: number;
  readonly run: (world: World, random: Random) => void | Promise<void>;
}

const TYPES = ['file.deleted', 'dataset.deleted', 'view.download', 'user.login'] as const;
/** Which producers use a shared id, in which order: both, one alone, or one twice. */
const ORDERS = [['one', 'two'], ['two', 'one'], ['one'], ['two'], ['one', 'one']] as const; // prettier-ignore
/** Larger than the limit that the broker may have. */
const LARGE = 'x'.repeat(1000);
const LIMIT_BYTES = 900;
/** A few dozen of these fill the disk. */
const FLOOD = 'x'.repeat(6000);
/** 258 bytes: AMQP's short strings hold 255. */
const LONG_IN_BYTES = '測'.repeat(86);
/** How much time passes after a step, in milliseconds. */
const PAUSES = [0, 1, 5, 50, 300, 1000, 5000] as const;

function eventOf(world: World, random: Random): { readonly event_id: string; readonly [field: string]: unknown } {
  const event = random.pick(TYPES);
  const isLarge = random.chance(0.1);
  return {
    event_id: world.newId(),
    event,
    user_id: 'u',
    resource_id: 'r',
    ...(event === 'view.download' && { resource_type: 'file' }),
    ...(event === 'file.deleted' && { file_id: 'r' }),
    ...(isLarge && { user_name: LARGE }),
  };
}

const queueOf = (world: World, random: Random): Queue => random.pick(world.broker.queues);

function interrupt(world: World, what: string): void {
  world.note(what);
  world.interrupted();
}

/** Each draws its own value, so it means the same whichever earlier steps are removed. */
const toggle = (weight: number, likely: number, set: (world: World, on: boolean, random: Random) => string) => ({
  weight,
  run: (world: World, random: Random): void => {
    const on = random.chance(likely);
    world.note(`${set(world, on, random)}: ${on ? 'yes' : 'no'}`);
  },
});

/** All kinds of steps. */
export const STEPS = {
  post: {
    weight: 30,
    run: (world, random) =>
      world.post(
        Array.from({ length: random.int(1, 4) }, () => eventOf(world, random)),
        'producer',
      ),
  },
  burst: {
    weight: 4,
    run: (world, random) => {
      for (let count = random.int(5, 20); count > 0; count -= 1) world.post([eventOf(world, random)], 'producer');
    },
  },
  'one id, two producers': {
    weight: 5,
    run: (world, random) => {
      const isNew = random.chance(0.5);
      const id = isNew || world.wasFull ? world.newSharedId() : world.oldSharedId(random);
      for (const producer of random.pick(ORDERS)) world.post([{ event_id: id, event: 'user.login', user_id: producer }], producer); // prettier-ignore
    },
  },
  requests: { weight: 8, run: (world, random) => world.request(random.int(1, 4), random) },
  'a download in pieces': { weight: 5, run: (world, random) => world.pieces(random.int(2, 6), random) },
  'unpublishable id': {
    weight: 2,
    run: (world) => world.post([{ event_id: LONG_IN_BYTES + world.newId(), event: 'view.page', url: 'u' }], 'producer'),
  },
  wait: { weight: 8, run: (world, random) => world.passAndCheck(random.pick([20_000, 45_000, 90_000])) },
  'broker up': toggle(5, 0.7, (world, on) => {
    world.broker.up = on;
    if (!on) world.broker.cut(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    return 'the broker is up';
  }),
  'connection cut': {
    weight: 4,
    run: (world) => {
      interrupt(world, 'the connection is cut');
      world.broker.cut(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    },
  },
  'connection closed': {
    weight: 2,
    run: (world) => {
      interrupt(world, 'the broker closes the connection');
      const words =
        'Connection closed: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED - Node was put into maintenance mode"';
      world.broker.cut(Object.assign(new Error(words), { code: 320 }));
    },
  },
  alarm: toggle(3, 0.4, (world, on) => {
    world.broker.setAlarm(on);
    return 'the broker has an alarm';
  }),
  silent: toggle(2, 0.4, (world, on) => {
    world.broker.silent = on;
    return 'the broker is silent';
  }),
  multiple: toggle(3, 0.5, (world, on) => {
    world.broker.multiple = on;
    return 'one answer confirms several';
  }),
  slow: toggle(2, 0.3, (world, on) => {
    world.broker.slowMs = on ? 300 : 1;
    return 'the broker is slow';
  }),
  full: toggle(5, 0.5, (world, wanted, random) => {
    const queue = queueOf(world, random);
    const on = wanted && !world.isFlooded;
    queue.full = on;
    return `the queue ${queue.name} is full`;
  }),
  /** The leader's node is gone, and with it the connection to that node. */
  election: toggle(3, 0.5, (world, wanted, random) => {
    const queue = queueOf(world, random);
    const on = wanted && !world.isFlooded;
    queue.leaderless = on;
    if (on) {
      world.interrupted();
      world.broker.cut(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    }
    return `the queue ${queue.name} is without a leader`;
  }),
  bound: toggle(5, 0.6, (world, on, random) => {
    const queue = queueOf(world, random);
    if (on !== queue.bound) world.truth.routesChanged();
    queue.bound = on;
    return `the queue ${queue.name} is bound`;
  }),
  'exchange binding': {
    weight: 2,
    run: (world) => {
      world.note('somebody takes the binding of clowder.metrics away');
      // Messages that a queue refused may now find no queue at all.
      if (world.broker.metricsBound) world.truth.routesChanged();
      world.broker.metricsBound = false;
    },
  },
  forbidden: toggle(3, 0.6, (world, on, random) => {
    const type = random.pick(TYPES);
    if (on) world.broker.forbid(type);
    else world.broker.forbidden.delete(type);
    return `the user may not publish ${type}`;
  }),
  'size limit': toggle(3, 0.6, (world, wanted) => {
    const on = wanted && !world.isFlooded;
    world.broker.maxBytes = on ? LIMIT_BYTES : Number.POSITIVE_INFINITY;
    return 'the broker takes small messages alone';
  }),
  'disk taken': toggle(7, 0.5, (world, on) => {
    world.wasFull ||= on;
    world.disk.space.setTaken(on);
    return 'others have what the disk had left';
  }),
  flood: {
    weight: 4,
    run: (world, random) => {
      // Messages that the broker does not permit are set aside and would stay on the disk.
      if (world.broker.isStrict) return;
      world.isFlooded = true;
      world.wasFull = true;
      // A full disk may refuse some of it although all was well a moment ago.
      world.interrupted();
      world.disk.slowMs = 1;
      // If all of it were held again, that would be one transaction larger than the ballast of so small a disk.
      for (const queue of world.broker.queues) queue.full = queue.leaderless = false;
      for (let count = random.int(100, 300); count > 0; count -= 1)
        world.post([{ event_id: world.newId(), event: 'extraction.failed', user_id: 'u', file_id: 'r', message: FLOOD }], 'producer'); // prettier-ignore
    },
  },
  // Refused messages are moved in one transaction while the disk is slow; after a flood, that may be half the disk.
  'disk slow': toggle(2, 0.3, (world, wanted) => {
    const on = wanted && !world.isFlooded;
    world.disk.slowMs = on ? 400 : 1;
    return 'the disk is slow';
  }),
  'power cut': {
    weight: 3,
    run: (world, random) => {
      const writes = random.int(1, 12);
      world.note(`the power will go at the ${writes}. write`);
      world.disk.cutAt = { writes, isDone: random.chance(0.5) };
    },
  },
  kill: { weight: 3, run: (world) => world.kill('SIGKILL') },
  stop: {
    weight: 2,
    run: async (world) => {
      world.note('stops');
      await world.stop();
    },
  },
  start: {
    weight: 8,
    run: (world) => {
      world.note('starts');
      void world.site.start();
    },
  },
} as const satisfies Record<string, StepRule>;

export type StepKind = keyof typeof STEPS;

const WEIGHTS = Object.entries(STEPS).map(([kind, { weight }]) => [weight, kind as StepKind] as const);

/** @param without kinds never drawn, so that a seed found before such a kind existed still gives the same steps */
export function drawSteps(seed: number, count: number, without: readonly StepKind[] = []): Step[] {
  const random = new Random(seed);
  const weights = WEIGHTS.filter(([, kind]) => !without.includes(kind));
  return Array.from({ length: count }, () => ({ kind: random.weighted(weights), seed: random.int(0, 2 ** 31) }));
}

/** @throws Violation */
export async function take({ kind, seed }: Step, world: World): Promise<void> {
  const random = new Random(seed);
  const rule: StepRule = STEPS[kind];
  await rule.run(world, random);
  await world.passAndCheck(random.pick(PAUSES));
}

/** Mends all that can be mended. The broker's prohibitions remain: such events are set aside. */
export function mend(world: World): void {
  world.note('everything is mended');
  const { broker, disk } = world;
  broker.up = true;
  broker.setAlarm(false);
  broker.silent = false;
  broker.slowMs = 1;
  for (const queue of broker.queues) {
    if (!queue.bound) world.truth.routesChanged();
    queue.bound = true;
    queue.full = false;
    queue.leaderless = false;
  }
  disk.space.setTaken(false);
  disk.slowMs = 1;
  disk.cutAt = undefined;
}
