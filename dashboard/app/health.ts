import type { Check, Overview } from './api.ts';
import { bytes, count, duration } from './format.ts';

export type Level = 'well' | 'degraded' | 'down';

/** Something that needs attention. */
export interface Problem {
  readonly level: Exclude<Level, 'well'>;
  /** A few words for the sentence. */
  readonly what: string;
  /** The reason, and what else is known. */
  readonly detail: string;
  /** Heading of the guide that explains what to do. */
  readonly anchor: string;
}

export interface Health {
  readonly level: Level;
  readonly sentence: string;
  readonly problems: readonly Problem[];
}

/** Anchors in docs/operate.md, which the collector serves as its guide. */
export const ANCHORS = {
  journal: 'backlog-and-a-full-journal',
  held: 'events-that-no-queue-takes',
  rejected: 'rejected-events',
  dead: 'dead-letters',
  symptoms: 'troubleshooting-by-symptom',
  silence: 'a-source-is-silent',
  probe: 'something-that-the-monitor-watches-is-down',
  program: 'a-program-is-not-ready',
  counting: 'counting-is-behind',
} as const;

interface Rule {
  readonly level: Problem['level'];
  readonly what: (check: Check, overview: Overview) => string;
  readonly anchor: string;
}

const events = (check: Check): string => count(Number(check['events'] ?? 0));

/** What each readiness check means to the reader; a check not listed here appears by its name. */
const CHECKS: Readonly<Record<string, Rule>> = {
  journal: { level: 'down', what: () => 'producers are turned away', anchor: ANCHORS.journal },
  history: { level: 'degraded', what: () => 'events that were accepted once are lost', anchor: ANCHORS.symptoms },
  broker: { level: 'degraded', what: ({ reason }) => (/blocked/.test(reason ?? '') ? 'RabbitMQ accepts nothing' : 'RabbitMQ is away'), anchor: ANCHORS.symptoms }, // prettier-ignore
  backlog: { level: 'degraded', what: (_, { backlog }) => `${bytes(backlog.bytes)} of events wait`, anchor: ANCHORS.journal }, // prettier-ignore
  unroutable: { level: 'degraded', what: (check) => `${events(check)} events go to no queue`, anchor: ANCHORS.held },
  nacked: { level: 'degraded', what: (check) => `a full queue refuses ${events(check)} events`, anchor: ANCHORS.held },
  unpublishable: { level: 'degraded', what: (check) => `RabbitMQ refuses ${events(check)} events for good`, anchor: ANCHORS.rejected }, // prettier-ignore
  usage: { level: 'degraded', what: () => 'counting has stopped', anchor: ANCHORS.counting },
};

/** A backlog whose oldest event is this old does not move. */
const BACKLOG_OLD_S = 60;

/** Health in words: "well" only if nothing at all is wrong. */
export function healthOf(overview: Overview): Health {
  const problems = [
    ...checkProblems(overview),
    ...backlogProblems(overview),
    ...programProblems(overview),
    ...probeProblems(overview),
    ...sourceProblems(overview),
    ...rejectedProblems(overview),
    ...deadProblems(overview),
  ].toSorted((a, b) => Number(b.level === 'down') - Number(a.level === 'down'));
  const level: Level = problems.some((one) => one.level === 'down')
    ? 'down'
    : problems.length > 0
      ? 'degraded'
      : 'well';
  return { level, sentence: sentenceOf(level, problems, overview), problems };
}

const SAID_MOST = 3;

function sentenceOf(level: Level, problems: readonly Problem[], overview: Overview): string {
  if (level === 'well') {
    const said = ['events are accepted and published'];
    if (overview.readiness.checks['usage'] !== undefined) said.push('usage is counted');
    if (overview.probes.length > 0)
      said.push(overview.probes.length === 1 ? '1 probe is up' : `${count(overview.probes.length)} probes are up`);
    return `All is well: ${listed(said)}.`;
  }
  const whats = problems.slice(0, SAID_MOST).map(({ what }) => what);
  const more = problems.length - whats.length;
  if (more > 0) whats.push(`${count(more)} more ${more === 1 ? 'thing' : 'things'} to check`);
  return `${level === 'down' ? 'Problem' : 'Needs attention'}: ${listed(whats)}.`;
}

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;

function checkProblems(overview: Overview): readonly Problem[] {
  return Object.entries(overview.readiness.checks).flatMap(([name, check]): readonly Problem[] => {
    if (check === undefined || check.ok) return [];
    const rule = CHECKS[name];
    return [
      {
        level: rule?.level ?? 'degraded',
        what: rule?.what(check, overview) ?? `${name} is not well`,
        detail: check.reason ?? 'The collector does not say why',
        anchor: rule?.anchor ?? ANCHORS.symptoms,
      },
    ];
  });
}

/** `/readyz` reports large backlogs only; a small one that does not move deserves a report too. */
function backlogProblems({ backlog, readiness }: Overview): readonly Problem[] {
  const isTold = ['broker', 'backlog', 'journal'].some((name) => readiness.checks[name]?.ok === false);
  if (isTold || backlog.oldest_s === null || backlog.oldest_s < BACKLOG_OLD_S) return [];
  const some = `${backlog.exact ? '' : 'about '}${count(backlog.events)} events`;
  return [
    {
      level: 'degraded',
      what: `${some} wait to be published`,
      detail: `The oldest has waited for ${duration(backlog.oldest_s)}. RabbitMQ is connected, and takes them slowly or not at all.`,
      anchor: ANCHORS.journal,
    },
  ];
}

const programProblems = ({ programs }: Overview): readonly Problem[] =>
  programs
    .filter(({ ready }) => ready === false)
    .map(({ name, reason }) => ({
      level: 'degraded',
      what: `${name} is not ready`,
      detail: reason ?? 'It does not say why',
      anchor: ANCHORS.program,
    }));

function probeProblems({ probes, now_ms }: Overview): readonly Problem[] {
  const bad = probes.filter(({ healthy, stale }) => !healthy && !stale);
  const stale = probes.filter((probe) => probe.stale);
  const problems: Problem[] = bad.map(({ target, component, since_ms, error }) => ({
    level: 'degraded',
    what: `${component ?? target} is down`,
    detail: `${target}: ${error ?? 'the reading is bad'}, for ${duration((now_ms - since_ms) / 1000)}`,
    anchor: ANCHORS.probe,
  }));
  if (stale.length > 0)
    problems.push({
      level: 'degraded',
      what: stale.length === 1 ? 'a probe is no longer read' : `${count(stale.length)} probes are no longer read`,
      detail: `Whether they are up is not known: ${stale.map(({ target }) => target).join(', ')}. Check that the monitor runs.`,
      anchor: ANCHORS.probe,
    });
  return problems;
}

const sourceProblems = ({ sources }: Overview): readonly Problem[] =>
  sources
    .filter(({ unusual }) => unusual)
    .map(({ source, silent_s, longest_s }) => ({
      level: 'degraded',
      what: `${source} is silent`,
      detail: `Nothing came from it for ${duration(silent_s)}; its longest pause before was ${duration(longest_s)}.`,
      anchor: ANCHORS.silence,
    }));

function rejectedProblems({ rejected, readiness }: Overview): readonly Problem[] {
  const refused = Number(readiness.checks['unpublishable']?.['events'] ?? 0);
  const wrong = rejected - refused;
  if (wrong <= 0) return [];
  return [
    {
      level: 'degraded',
      what: `${count(wrong)} ${wrong === 1 ? 'event was' : 'events were'} invalid`,
      detail: 'A program sends telemetry with invalid events. The page Undelivered shows them, with the reason.',
      anchor: ANCHORS.rejected,
    },
  ];
}

const DEAD_QUEUE = /\bclowder\.sink\.([\w-]+)\.dead$/;

/** Known only if the monitor watches the dead-letter queues. */
const deadProblems = ({ probes }: Overview): readonly Problem[] =>
  probes.flatMap(({ target, measures }) => {
    const [sink, many] = [DEAD_QUEUE.exec(target)?.[1], Number(measures['queue_length'] ?? 0)];
    if (sink === undefined || !(many > 0)) return [];
    return [
      {
        level: 'degraded' as const,
        what: `${sink} refused ${count(many)} ${many === 1 ? 'event' : 'events'}`,
        detail: 'They are dead letters: the page Undelivered says why, and sends them again.',
        anchor: ANCHORS.dead,
      },
    ];
  });
