import type { Logger } from '../runtime/logging.ts';
import type { MonitorConfig, PlannedProbe } from './config/config.ts';
import { createMetrics, type LatestReading, type ObservedReading } from './metrics.ts';
import { startListeners } from './notify/listeners.ts';
import { createProbe } from './probes/create-probe.ts';
import { ProbeRunner } from './probe-runner.ts';
import type { Reading } from './reading.ts';
import { step, UNKNOWN, type HealthState, type Step, type Thresholds } from './state/health-state.ts';
import { openStore } from './state/store.ts';
import { Window } from './state/window.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface MonitorOptions {
  readonly config: MonitorConfig;
  readonly telemetry: Telemetry;
  readonly log: Logger;
}

/** A running monitor. */
export interface Monitor {
  /** The latest reading of each target. */
  readonly latest: () => readonly LatestReading[];
  /** Notifies people about readings of another part, which reports them itself and has its own thresholds. */
  readonly follow: Follow;
  /** What was known about the part's targets before, even from an earlier process. */
  readonly followed: (part: string) => ReadonlyMap<string, HealthState>;
  /** Stops probes and notifiers; the caller owns the telemetry. */
  stop(): Promise<void>;
}

/** A reading of a part other than the probes. A notifier selects it by `part`, as by the name of a probe. */
export type Follow = (reading: Reading & { readonly part: string; readonly component: string }, atMs: number) => void;

/** What the monitor keeps in memory about a target. */
interface Subject {
  readonly window: Window;
  readonly latest: LatestReading;
}

const AT_ONCE = { failures: 1, successes: 1 };
const ERROR_LENGTH = 4096;
/** Shorter secrets are not blanked, because that would blank half of every message. */
const SECRET_LENGTH = 4;

/** Starts every probe on its schedule. */
export function startMonitor({ config, telemetry, log }: MonitorOptions): Monitor {
  const store = openStore({
    dir: config.spoolDir,
    onFailure: (error) => log.error({ err: error }, 'the state of the monitor cannot be kept on disk'),
  });
  const metrics = createMetrics(telemetry.meter, telemetry.stats);
  const scrub = scrubber(config.secrets);
  const listeners = startListeners({
    notifiers: config.notify,
    instance: config.instance,
    store,
    scrub,
    onOutcome: (notifier, outcome) => metrics.notification(notifier, outcome),
    log,
  });
  const states = new Map<string, HealthState>();
  const subjects = new Map<string, Subject>();

  /** `moved`: the status has changed and must be saved. */
  const judge = (key: string, healthy: boolean, atMs: number, thresholds: Thresholds) => {
    const known = states.get(key) ?? store.health(key) ?? UNKNOWN;
    const stepped = step(known, healthy, atMs, thresholds);
    states.set(key, stepped.state);
    return { stepped, moved: stepped.state.status !== known.status };
  };

  const observe = (probe: PlannedProbe, reading: Reading, atMs: number): void => {
    const key = `${probe.name}\n${reading.target}`;
    const window = subjects.get(key)?.window ?? new Window(probe.schedule.window);
    const { stepped, moved } = judge(key, reading.healthy, atMs, probe.schedule);
    const observed: ObservedReading = {
      ...reading,
      error: reading.error === undefined ? undefined : scrub(reading.error).slice(0, ERROR_LENGTH),
      probe: probe.name,
      component: probe.component,
      tags: probe.tags,
      fields: { ...window.add(reading), ...reading.measures, ...stateFields(stepped) },
    };
    subjects.set(key, { window, latest: { ...observed, atMs } });
    const { component, target, healthy, error, fields } = observed;
    const about = { probe: probe.name, component, target, error };
    telemetry.emit({ type: 'health.ping', createdMs: atMs, fields: { ...fields, ...about, healthy } });
    if (moved) {
      // Saves the event first: if the process ends in between, the change is reported twice rather than never.
      telemetry.persist();
      store.keepHealth(key, stepped.state);
    }
    metrics.record(observed);
    logChange(log, about, stepped);
    listeners.hear(key, observed, stepped, atMs);
  };

  const follow: Follow = ({ part, ...reading }, atMs) => {
    const key = `${part}\n${reading.target}`;
    const { stepped, moved } = judge(key, reading.healthy, atMs, AT_ONCE);
    if (moved) store.keepHealth(key, stepped.state);
    listeners.hear(key, { ...reading, probe: part, fields: {} }, stepped, atMs);
  };

  const runners = config.probes.map(
    (settings) =>
      new ProbeRunner({
        probe: createProbe(settings),
        schedule: settings.schedule,
        onReadings: (readings, atMs) => {
          for (const reading of readings) observe(settings, reading, atMs);
        },
      }),
  );
  return {
    latest: () => [...subjects.values()].map((subject) => subject.latest),
    follow,
    followed: (part) => store.healthOf(`${part}\n`),
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()));
      await listeners.stop();
      store.close();
    },
  };
}

function stateFields({ changed, downForS, uptimeS }: Step): Readonly<Record<string, number | boolean>> {
  return {
    ...(changed && { changed: true }),
    ...(downForS !== undefined && { down_for_s: downForS }),
    ...(uptimeS !== undefined && { uptime_s: uptimeS }),
  };
}

function logChange(
  log: Logger,
  about: { readonly error: string | undefined },
  { changed, state, downForS }: Step,
): void {
  if (changed && state.status === 'down') log.warn({ ...about, downForS }, 'down');
  else if (changed) log.info({ ...about, downForS }, 'up again');
  else if (about.error !== undefined) log.debug(about, 'bad reading');
}

function scrubber(secrets: ReadonlySet<string>): (text: string) => string {
  const hidden = [...secrets].filter((secret) => secret.length >= SECRET_LENGTH);
  return (text) => hidden.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
