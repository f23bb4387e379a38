import { useState } from 'preact/hooks';
import type { Check, Overview, Program, Reading, Source } from '../api.ts';
import { ago, brief, bytes, count, duration, time } from '../format.ts';
import { healthOf, type Health } from '../health.ts';
import { Panel, Questions } from '../parts/panel.tsx';
import { State, Table, Tile, type Tone } from '../parts/table.tsx';
import { useApp } from '../state.ts';

const OVERVIEW = ['/api/v1/overview'];

/** Health: one sentence, what to do, and the readings behind it. */
export function WellPage() {
  const { overview } = useApp();
  const { answer, error } = overview;
  if (error?.code === 'no_answer')
    return (
      <Verdict
        health={{ level: 'down', sentence: 'Problem: the collector does not answer.', problems: [] }}
        more="This page asks again every five seconds. Check that the collector runs, and read its log."
      />
    );
  if (answer === undefined) return <p class="waiting">{error?.message ?? 'Asking…'}</p>;
  return (
    <>
      <Verdict health={healthOf(answer)} />
      <Delivery overview={answer} />
      <div class="grid">
        <Sources overview={answer} />
        <Programs overview={answer} />
        <Probes overview={answer} />
      </div>
    </>
  );
}

function Verdict({ health: { level, sentence, problems }, more }: { readonly health: Health; readonly more?: string }) {
  const [isAsked, setAsked] = useState(false);
  return (
    <section class={`verdict ${level}`} aria-labelledby="verdict">
      <header>
        <div role="status">
          <h1 id="verdict">{sentence}</h1>
        </div>
        <div class="tools">
          <button type="button" aria-expanded={isAsked} onClick={() => setAsked(!isAsked)}>
            Question
          </button>
        </div>
      </header>
      {isAsked && <Questions urls={OVERVIEW} />}
      {more !== undefined && <p>{more}</p>}
      {problems.length > 0 && (
        <ul>
          {problems.map(({ what, detail, anchor, level: own }) => (
            <li key={what + detail}>
              <State tone={own === 'down' ? 'bad' : 'warn'}>{what.charAt(0).toUpperCase() + what.slice(1)}</State>
              <span class="detail">{detail}</span>
              <a href={`/guide#${anchor}`}>What to do</a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const toneOf = (check: Check | undefined): Tone => (check === undefined ? 'none' : check.ok ? 'good' : 'warn');
const numberOf = (check: Check | undefined, name: string): number | undefined =>
  typeof check?.[name] === 'number' ? check[name] : undefined;

function Delivery({ overview }: { readonly overview: Overview }) {
  const { checks } = overview.readiness;
  const { journal, broker, usage } = checks;
  const [size, most] = [numberOf(journal, 'bytes'), numberOf(journal, 'max_bytes')];
  const held = overview.held.reduce((sum, { events }) => sum + events, 0);
  const oldestHeld = Math.min(...overview.held.map(({ since_ms }) => since_ms));
  const { backlog, now_ms: now } = overview;
  const until = typeof usage?.['counted_until'] === 'string' ? Date.parse(usage['counted_until']) : undefined;
  return (
    <Panel title="From intake to RabbitMQ" questions={OVERVIEW} wide>
      <dl class="tiles">
        <Tile
          name="Intake"
          value={journal?.ok === false ? 'refuses' : 'accepts'}
          more={`journal ${bytes(size)} of ${bytes(most)}`}
          tone={journal?.ok === false ? 'bad' : 'good'}
        />
        <Tile
          name="RabbitMQ"
          value={broker?.ok ? 'connected' : 'away'}
          more={`${count(numberOf(broker, 'unconfirmed'))} unconfirmed`}
          tone={toneOf(broker)}
        />
        <Tile
          name="Backlog"
          value={`${backlog.exact ? '' : '≈ '}${brief(backlog.events)}`}
          more={
            backlog.oldest_s === null
              ? 'nothing waits'
              : `oldest ${duration(backlog.oldest_s)}, ${bytes(backlog.bytes)}`
          }
          tone={backlog.oldest_s !== null && backlog.oldest_s >= 60 ? 'warn' : 'good'}
        />
        <Tile
          name="Held"
          value={<a href="/kept?what=held">{brief(held)}</a>}
          more={held === 0 ? 'every event has a queue' : `oldest ${duration((now - oldestHeld) / 1000)}`}
          tone={held === 0 ? 'good' : 'warn'}
        />
        <Tile
          name="Rejected"
          value={<a href="/kept">{brief(overview.rejected)}</a>}
          more={overview.rejected === 0 ? 'none' : 'kept, with reasons'}
          tone={overview.rejected === 0 ? 'good' : 'warn'}
        />
        <Tile
          name="Counted until"
          value={usage === undefined ? 'off' : until === undefined ? 'nothing yet' : ago(until, now)}
          more={usage === undefined ? 'USAGE is off' : (usage.reason ?? '')}
          tone={toneOf(usage)}
        />
      </dl>
    </Panel>
  );
}

function Sources({ overview }: { readonly overview: Overview }) {
  const { zone } = useApp();
  const { sources, complete } = overview;
  return (
    <Panel
      title="Sources"
      questions={OVERVIEW}
      isEmpty={sources.length === 0}
      note={
        complete
          ? 'A silence is unusual once it is half as long again as the longest known pause.'
          : 'The collector is still reading earlier events from the journal.'
      }
    >
      <Table<Source>
        caption="Sources of events"
        items={sources}
        keyOf={({ source }) => source}
        columns={[
          {
            name: 'Source',
            isName: true,
            cell: ({ source }) => <a href={`/events?source=${encodeURIComponent(source)}`}>{source}</a>,
          },
          {
            name: 'Last event',
            cell: ({ silent_s, last_ms }) => (
              <time dateTime={new Date(last_ms).toISOString()} title={time(last_ms, zone)}>
                {silent_s < 2 ? 'now' : `${duration(silent_s)} ago`}
              </time>
            ),
          },
          { name: 'Usual pause', isFigure: true, cell: ({ usual_s }) => duration(usual_s) },
          { name: 'Longest', isFigure: true, cell: ({ longest_s }) => duration(longest_s) },
          {
            name: 'Silence',
            cell: ({ unusual, usual_s }) => (
              <State tone={unusual ? 'warn' : usual_s === null ? 'none' : 'good'}>
                {unusual ? 'unusual' : usual_s === null ? 'too few events to judge' : 'usual'}
              </State>
            ),
          },
        ]}
      />
    </Panel>
  );
}

function Programs({ overview }: { readonly overview: Overview }) {
  return (
    <Panel
      title="Proxies, sinks, monitor"
      questions={OVERVIEW}
      note={
        overview.programs.length === 0 ? (
          <>
            None is configured. Set <code>WATCHED_PROGRAMS=matomo=http://127.0.0.1:9466,…</code> to see their state
            here.
          </>
        ) : undefined
      }
    >
      {overview.programs.length > 0 && (
        <Table<Program>
          caption="Other programs"
          items={overview.programs}
          keyOf={({ name }) => name}
          columns={[
            { name: 'Program', isName: true, cell: ({ name }) => name },
            {
              name: 'State',
              cell: ({ ready }) => (
                <State tone={ready === null ? 'none' : ready ? 'good' : 'bad'}>
                  {ready === null ? 'not asked yet' : ready ? 'ready' : 'not ready'}
                </State>
              ),
            },
            { name: 'Why', isLong: true, cell: ({ reason }) => reason ?? '' },
            { name: 'Asked', cell: ({ at_ms }) => (at_ms === null ? '' : ago(at_ms, overview.now_ms)) },
          ]}
        />
      )}
    </Panel>
  );
}

function Probes({ overview }: { readonly overview: Overview }) {
  const { zone } = useApp();
  return (
    <Panel
      title="What the monitor watches"
      questions={OVERVIEW}
      wide
      note={
        overview.probes.length === 0
          ? 'No readings yet. Run clowder-otel monitor to see Clowder, RabbitMQ, ports, disks and certificates here.'
          : undefined
      }
    >
      {overview.probes.length > 0 && (
        <Table<Reading>
          caption="Latest readings"
          items={overview.probes}
          keyOf={({ component, target }) => `${component ?? ''} ${target}`}
          columns={[
            { name: 'Component', isName: true, cell: ({ component, target }) => component ?? target },
            { name: 'Target', isLong: true, cell: ({ target }) => target },
            {
              name: 'State',
              cell: ({ healthy, stale }) => (
                <State tone={stale ? 'warn' : healthy ? 'good' : 'bad'}>
                  {stale ? 'no longer read' : healthy ? 'up' : 'down'}
                </State>
              ),
            },
            {
              name: 'Since',
              cell: ({ since_ms }) => (
                <time dateTime={new Date(since_ms).toISOString()} title={time(since_ms, zone)}>
                  {duration(Math.max(0, overview.now_ms - since_ms) / 1000)}
                </time>
              ),
            },
            { name: 'Read', cell: ({ at_ms }) => ago(at_ms, overview.now_ms) },
            {
              name: 'Answers in',
              isFigure: true,
              cell: ({ measures }) =>
                typeof measures['response_time_ms'] === 'number' ? duration(measures['response_time_ms'] / 1000) : '',
            },
            { name: 'Why', isLong: true, cell: ({ error }) => error ?? '' },
          ]}
        />
      )}
    </Panel>
  );
}
