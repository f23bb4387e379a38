import { Intake } from '../collector/intake/intake.ts';
import { SeenIds } from '../collector/intake/seen-ids.ts';
import { acceptStated, type StatedVerdict } from '../collector/intake/stated-intake.ts';
import { openJournal, type Journal } from '../collector/journal/journal.ts';
import { PublishLoop } from '../collector/publishing/publish-loop.ts';
import { mapped, type Observation } from './requests.ts';
import { readinessOf, type Readiness } from '../collector/readiness.ts';
import { createPublisher, type Publisher } from '../exporter/publisher.ts';
import { createMapContext } from '../taxonomy/map/context.ts';
import type { Broker } from './broker.ts';
import type { Disk } from './disk.ts';
import type { Mutation } from './mutations.ts';
import type { VirtualTime } from './virtual-time.ts';

const WINDOW_MS = 3_600_000;
const RECOVER_EVERY_MS = 1000;
const STOP_MS = 5000;
/** Small, so that a handful of messages fills it. */
const WINDOW = 8;
const JOURNAL_MAX_BYTES = 8_000_000;

export interface SiteParts {
  readonly time: VirtualTime;
  readonly broker: Broker;
  readonly disk: Disk;
  readonly mutation: Mutation;
  readonly onError: (error: unknown) => void;
}

interface Collector {
  readonly journal: Journal;
  readonly intake: Intake;
  readonly publisher: Publisher;
  readonly loop: PublishLoop;
  readonly recovering: NodeJS.Timeout;
}

/** One collector, wired as in `collector/service.ts` but without HTTP. It may be killed and started again. */
export class Site {
  readonly #parts: SiteParts;
  readonly #context = createMapContext({ dayKey: (day) => `key of day ${day}` });
  #collector: Collector | undefined;
  #starting = false;
  /** Counts the processes, so that a late result of an ended one is ignored. */
  #life = 0;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#collector !== undefined;
  }

  async start(): Promise<void> {
    if (this.#collector !== undefined || this.#starting) return;
    const { disk, broker, mutation, onError } = this.#parts;
    const life = this.#life;
    this.#starting = true;
    disk.recover();
    const journal = await openJournal(
      { dir: 'simulated', maxBytes: JOURNAL_MAX_BYTES, onFatal: onError },
      mutation.journal(disk),
    ).catch(onError);
    if (life !== this.#life) return;
    this.#starting = false;
    if (journal === undefined) return;
    const now = (): number => Date.now();
    const intake = new Intake({
      journal,
      seen: new SeenIds({ windowMs: WINDOW_MS }),
      waitMs: 60_000,
      windowMs: WINDOW_MS,
      now,
      observer: SILENT,
    });
    const publisher = mutation.publisher(
      createPublisher({ urls: 'amqp://simulated', window: WINDOW, connect: mutation.connect(broker.connect) }),
    );
    const loop = new PublishLoop({ journal, publisher, onUnroutable: 'hold', now, onError });
    loop.start();
    const recovering = setInterval(() => void intake.recoverDue().catch(onError), RECOVER_EVERY_MS);
    this.#collector = { journal, intake, publisher, loop, recovering };
  }

  /** Ends the process as SIGKILL or a power cut would. */
  kill(): void {
    this.#life += 1;
    this.#starting = false;
    this.#collector = undefined;
    this.#parts.time.endProcess();
    this.#parts.broker.abandon();
  }

  /** Ends the process as SIGTERM does. */
  async stop(): Promise<void> {
    const collector = this.#collector;
    if (collector === undefined) return;
    this.#collector = undefined;
    const { journal, publisher, loop, recovering } = collector;
    clearInterval(recovering);
    loop.pause();
    await publisher.close({ timeoutMs: STOP_MS });
    await loop.stop();
    await journal.close();
  }

  /** @returns the verdicts; undefined if the collector is down or the journal refuses */
  async post(values: readonly object[], producer: string): Promise<readonly StatedVerdict[] | undefined> {
    const collector = this.#collector;
    if (collector === undefined) return undefined;
    const { mutation } = this.#parts;
    return acceptStated(
      values.map((value) => ({ value })),
      mutation.poster({ source: 'api', producer }),
      this.#context,
      collector.intake,
      () => undefined,
    ).catch(() => undefined);
  }

  /**
   * Submits observations of requests. @returns the ids of their events; undefined if the collector is down or the journal
   * refuses
   */
  async observe(observations: readonly Observation[]): Promise<readonly string[] | undefined> {
    const collector = this.#collector;
    if (collector === undefined) return undefined;
    const { observation } = this.#parts.mutation;
    const candidates = observations.flatMap((one) => mapped(observation(one), this.#context).candidates);
    const ids = candidates.map(({ body }) => body.event_id);
    return collector.intake.submit(candidates).then(
      () => ids,
      () => undefined,
    );
  }

  readiness(): Readiness | undefined {
    const collector = this.#collector;
    if (collector === undefined) return undefined;
    const { journal, publisher, loop, intake } = collector;
    const waiting = intake.waitingCount;
    const { state } = loop.held;
    const now = { failure: undefined, lost: undefined, nowMs: Date.now() };
    const said = { journal, publisher, held: state, waiting, ...now };
    return readinessOf(this.#parts.mutation.situation(said));
  }
}

const nothing = (): void => undefined;
const SILENT = { accepted: nothing, duplicate: nothing, waiting: nothing, recovered: nothing, rejected: nothing };
