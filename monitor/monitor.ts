import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { MonitorConfig, PlannedNotifier, PlannedProbe } from './config/config.ts';
import { createMetrics, type ObservedReading } from './metrics.ts';
import { createNotifier } from './notify/create-notifier.ts';
import { Delivery } from './notify/delivery.ts';
import { decide, NOTHING_TOLD, quietHours, type Policy } from './notify/policy.ts';
import { createProbe } from './probes/create-probe.ts';
import { ProbeRunner } from './probe-runner.ts';
import type { Reading } from './reading.ts';
import { step, UNKNOWN, type HealthState, type Step } from './state/health-state.ts';
import { openStore } from './state/store.ts';
import { Window } from './state/window.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface MonitorOptions {
  readonly config: MonitorConfig;
  readonly telemetry: Telemetry;
  readonly log: Logger;
}

/** A monitor that runs. */
export interface Monitor {
  /** The latest reading of each target. */
  readonly latest: () => readonly ObservedReading[];
  /** Ends probes and notifiers; the telemetry is the caller's. */
  stop(): Promise<void>;
}

/** What the monitor keeps of a target in memory. */
interface Subject {
  health: HealthState;
  readonly window: Window;
  latest: ObservedReading;
}

interface Listener {
  readonly settings: PlannedNotifier;
  readonly policy: Policy;
  readonly delivery: Delivery;
}

const NOTIFY_TIMEOUT_MS = 15_000;
const GIVE_UP_MS = 24 * 3_600_000;
const ERROR_LENGTH = 4096;
/** Shorter texts than this would blank half of what is said. */
const SECRET_LENGTH = 4;

/** Starts every probe on its schedule. */
export function startMonitor({ config, telemetry, log }: MonitorOptions): Monitor {
  const store = openStore(config.spoolDir);
  const metrics = createMetrics(telemetry.meter, telemetry.stats);
  const subjects = new Map<string, Subject>();
  const scrub = scrubber(config.secrets);
  const listeners = config.notify.map((settings): Listener => {
    const { name } = settings;
    const delivery = new Delivery({
      name,
      notifier: createNotifier(settings),
      store,
      timeoutMs: settings.timeout ?? NOTIFY_TIMEOUT_MS,
      giveUpMs: settings.give_up_after ?? GIVE_UP_MS,
      scrub,
      onOutcome: (outcome) => metrics.notification(name, outcome),
      log,
    });
    return { settings, policy: policyOf(settings), delivery };
  });

  const observe = (probe: PlannedProbe, reading: Reading, atMs: number): void => {
    const key = `${probe.name}\n${reading.target}`;
    const before = subjects.get(key);
    const window = before?.window ?? new Window(probe.schedule.window);
    const known = before?.health ?? store.health(key) ?? UNKNOWN;
    const stepped = step(known, reading.healthy, atMs, probe.schedule);
    const observed: ObservedReading = {
      ...reading,
      error: reading.error === undefined ? undefined : scrub(reading.error).slice(0, ERROR_LENGTH),
      probe: probe.name,
      component: probe.component,
      fields: { ...window.add(reading), ...reading.measures, ...stateFields(stepped) },
    };
    subjects.set(key, { health: stepped.state, window, latest: observed });
    if (stepped.state.status !== known.status) keep(log, () => store.keepHealth(key, stepped.state));
    report(telemetry, observed, atMs);
    metrics.record(observed);
    logChange(log, observed, stepped);
    for (const listener of listeners) keep(log, () => tell(listener, key, observed, stepped, atMs));
  };

  function tell(
    { settings, policy, delivery }: Listener,
    key: string,
    observed: ObservedReading,
    stepped: Step,
    atMs: number,
  ): void {
    if (settings.probes !== undefined && !settings.probes.includes(observed.probe)) return;
    const decision = decide(store.told(settings.name, key) ?? NOTHING_TOLD, stepped.state, atMs, policy);
    if (decision === undefined) return;
    const { probe, component, target, error, measures } = observed;
    store.tell(settings.name, key, decision.state, {
      id: randomUUID(),
      kind: decision.kind,
      probe,
      component,
      target,
      sinceMs: stepped.state.sinceMs,
      atMs,
      downForS: stepped.downForS ?? 0,
      error,
      measures,
      instance: config.instance,
    });
    delivery.wake();
  }

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
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()));
      await Promise.all(listeners.map(({ delivery }) => delivery.stop()));
      store.close();
    },
  };
}

/** A disk that takes nothing must not end the monitor: what it could not keep it may say again after its next start. */
function keep(log: Logger, write: () => void): void {
  try {
    write();
  } catch (error) {
    log.error({ err: error }, 'the state of the monitor cannot be kept on disk');
  }
}

function stateFields({ changed, downForS, uptimeS }: Step): Readonly<Record<string, number | boolean>> {
  return {
    ...(changed && { changed: true }),
    ...(downForS !== undefined && { down_for_s: downForS }),
    ...(uptimeS !== undefined && { uptime_s: uptimeS }),
  };
}

function report(
  telemetry: Telemetry,
  { fields, probe, component, target, healthy, error }: ObservedReading,
  atMs: number,
): void {
  telemetry.emit({
    type: 'health.ping',
    createdMs: atMs,
    fields: { ...fields, probe, component, target, healthy, error },
  });
}

function logChange(
  log: Logger,
  { probe, component, target, error }: ObservedReading,
  { changed, state, downForS }: Step,
): void {
  const fields = { probe, component, target, error, downForS };
  if (changed && state.status === 'down') log.warn(fields, 'down');
  else if (changed) log.info(fields, 'up again');
  else if (error !== undefined) log.debug(fields, 'bad reading');
}

function policyOf({ failures = 1, quiet = 0, remind, quiet_hours: hours }: PlannedNotifier): Policy {
  return {
    failures,
    quietMs: quiet,
    remindMs: remind,
    isQuiet: hours === undefined ? () => false : quietHours(hours.from, hours.to, hours.timezone),
  };
}

function scrubber(secrets: ReadonlySet<string>): (text: string) => string {
  const hidden = [...secrets].filter((secret) => secret.length >= SECRET_LENGTH);
  return (text) => hidden.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
