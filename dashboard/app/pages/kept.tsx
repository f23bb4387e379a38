import { useState } from 'preact/hooks';
import { ApiError, call } from '../api.ts';
import { count, time } from '../format.ts';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { useApp, useAsk } from '../state.ts';

interface Rejected {
  readonly id: number;
  readonly atMs: number;
  readonly code: string;
  readonly message: string;
  readonly record: string;
  readonly origin: string;
  readonly sender?: string;
}
interface Held {
  readonly id: number;
  readonly type: string;
  readonly since_ms: number;
  readonly event: string;
}

const EVERY_MS = 10_000;
const WHATS = { rejected: 'Rejected', held: 'Held', dead: 'Dead letters' } as const;
type What = keyof typeof WHATS;

/** Events that did not get where they should: why, whose they are, and how they go on. */
export function KeptPage() {
  const { address, filter, isAdmin } = useApp();
  const given = address.params['what'];
  const what: What = given !== undefined && Object.hasOwn(WHATS, given) ? (given as What) : 'rejected';
  return (
    <>
      <h1>Events that are kept back</h1>
      <div class="filters" role="group" aria-label="Which">
        <div class="choices">
          {Object.entries(WHATS).map(([name, title]) => (
            <button
              key={name}
              type="button"
              aria-pressed={what === name}
              onClick={() => filter({ what: name === 'rejected' ? undefined : name })}
            >
              {title}
            </button>
          ))}
        </div>
        {!isAdmin && (
          <span class="note">
            To publish again or discard, log in with a key of scope <code>admin</code>.
          </span>
        )}
      </div>
      {what === 'rejected' ? <RejectedList /> : what === 'held' ? <HeldList /> : <DeadLetters />}
    </>
  );
}

/** Does something for an administrator, and says what became of it. */
function useAct(after: () => void): {
  readonly said: string | undefined;
  readonly act: (url: string, body: unknown, tell: (answer: Record<string, number>) => string) => void;
} {
  const [said, setSaid] = useState<string>();
  const act = (url: string, body: unknown, tell: (answer: Record<string, number>) => string): void => {
    void (async () => {
      try {
        setSaid(tell(await call<Record<string, number>>(url, { method: 'POST', ...(body !== undefined && { body }) })));
        after();
      } catch (error) {
        setSaid(error instanceof ApiError ? error.message : String(error));
      }
    })();
  };
  return { said, act };
}

function RejectedList() {
  const { zone, isAdmin } = useApp();
  const url = '/api/v1/rejected?limit=200';
  const { answer, error, isLoading, again } = useAsk<{ readonly rejected: readonly Rejected[] }>(url, EVERY_MS);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { said, act } = useAct(() => {
    setChosen(new Set());
    again();
  });
  const items = (answer?.rejected ?? []).toSorted((a, b) => b.id - a.id);
  const ids = items.map(({ id }) => id).filter((id) => chosen.has(id));
  const toggle = (id: number): void =>
    setChosen(new Set(chosen.has(id) ? [...chosen].filter((one) => one !== id) : [...chosen, id]));
  return (
    <Panel
      title="Rejected events"
      questions={[url]}
      error={error}
      isLoading={isLoading}

      wide
      note={
        <>
          Replay checks them again and takes those that are right now. <a href="/guide#rejected-events">What to do</a>
        </>
      }
    >
      {isAdmin && (
        <p class="actions">
          <button
            type="button"
            disabled={ids.length === 0}
            onClick={() =>
              act(
                '/api/v1/rejected/replay',
                { ids },
                ({ accepted, rejected }) => `${count(accepted)} taken, ${count(rejected)} still wrong`,
              )
            }
          >
            Replay {count(ids.length)}
          </button>
          <button
            type="button"
            onClick={() =>
              act(
                '/api/v1/rejected/replay',
                {},
                ({ accepted, rejected }) => `${count(accepted)} taken, ${count(rejected)} still wrong`,
              )
            }
          >
            Replay all
          </button>
          <button
            type="button"
            class="danger"
            disabled={ids.length === 0}
            onClick={() =>
              confirm(`Discard ${ids.length} for good?`) &&
              act('/api/v1/rejected/discard', { ids }, ({ discarded }) => `${count(discarded)} discarded`)
            }
          >
            Discard {count(ids.length)}
          </button>
        </p>
      )}
      <p role="status" class="said">
        {said}
      </p>
      {items.length === 0 ? (
        <p class="empty">None.</p>
      ) : (
        <Table<Rejected>
          caption="Rejected events, newest first"
          items={items}
          keyOf={({ id }) => String(id)}
          columns={[
            ...(isAdmin
              ? [
                  {
                    name: 'Choose',
                    cell: ({ id }: Rejected) => (
                      <input
                        type="checkbox"
                        aria-label={`Choose ${id}`}
                        checked={chosen.has(id)}
                        onChange={() => toggle(id)}
                      />
                    ),
                  },
                ]
              : []),
            { name: 'When', isName: true, cell: ({ atMs }) => time(atMs, zone) },
            {
              name: 'Why',
              cell: ({ code, message }) => (
                <>
                  <b>{code}</b> {message}
                </>
              ),
            },
            {
              name: 'From whom',
              cell: ({ origin, sender }) => (
                <>
                  {origin}
                  {sender === undefined || sender === '' ? '' : `, ${sender}`}
                </>
              ),
            },
            { name: 'Event', cell: ({ record }) => <Folded text={record} /> },
          ]}
        />
      )}
    </Panel>
  );
}

const REASONS = { unroutable: 'No queue is bound for their type', nacked: 'A full queue refuses them' } as const;

function HeldList() {
  const { zone, isAdmin, overview, address, filter } = useApp();
  const reason = address.params['reason'] === 'nacked' ? 'nacked' : 'unroutable';
  const url = `/api/v1/held?reason=${reason}&limit=200`;
  const { answer, error, isLoading, again } = useAsk<{ readonly held: readonly Held[] }>(url, EVERY_MS);
  const { said, act } = useAct(again);
  const items = answer?.held ?? [];
  const groups = (overview.answer?.held ?? []).filter((group) => group.reason === reason);
  return (
    <Panel
      title="Held events"
      questions={[url]}
      error={error}
      isLoading={isLoading}
      wide
      note={
        <>
          They are tried again by themselves. <a href="/guide#events-that-no-queue-takes">What to do</a>
        </>
      }
    >
      <div class="filters">
        <div class="choices" role="group" aria-label="Why">
          {Object.entries(REASONS).map(([name, title]) => (
            <button
              key={name}
              type="button"
              aria-pressed={reason === name}
              onClick={() => filter({ reason: name === 'unroutable' ? undefined : name })}
            >
              {title}
            </button>
          ))}
        </div>
        {isAdmin && (
          <button
            type="button"
            onClick={() =>
              act(
                '/api/v1/held/retry',
                undefined,
                ({ published, held }) => `${count(published)} published, ${count(held)} still held`,
              )
            }
          >
            Try all again now
          </button>
        )}
      </div>
      <p role="status" class="said">
        {said}
      </p>
      {groups.length > 0 && <p>{groups.map(({ type, events }) => `${count(events)} ${type}`).join(', ')}</p>}
      {items.length === 0 ? (
        <p class="empty">None.</p>
      ) : (
        <Table<Held>
          caption="Held events, oldest first"
          items={items}
          keyOf={({ id }) => String(id)}
          columns={[
            { name: 'Held since', isName: true, cell: ({ since_ms }) => time(since_ms, zone) },
            { name: 'Event', cell: ({ type }) => type },
            { name: 'All of it', cell: ({ event }) => <Folded text={event} /> },
          ]}
        />
      )}
    </Panel>
  );
}

function DeadLetters() {
  const { overview } = useApp();
  const programs = overview.answer?.programs ?? [];
  const items = (overview.answer?.probes ?? []).filter(({ target }) => /\.dead$|^queue error\./.test(target));
  return (
    <Panel title="Dead letters of sinks and extractors" questions={['/api/v1/overview']} wide>
      {items.length > 0 && (
        <Table
          caption="Queues of dead letters"
          items={items}
          keyOf={({ component, target }) => `${component ?? ''} ${target}`}
          columns={[
            { name: 'Queue', isName: true, cell: ({ target }) => target.replace(/^queue /, '') },
            {
              name: 'Messages',
              isFigure: true,
              cell: ({ measures }) => count(Number(measures['queue_length'] ?? Number.NaN)),
            },
          ]}
        />
      )}
      <p class="note">
        What a service will never take lies in RabbitMQ, in <code>clowder.sink.NAME.dead</code>, with the reason. The
        collector reads no queue: <code>clowder-otel sink dead NAME</code> lists it,{' '}
        <code>clowder-otel sink replay NAME</code> sends it again.
        {items.length === 0 && <> Let the monitor watch these queues, and their lengths are here.</>}
        {programs.length === 0 && (
          <>
            {' '}
            <code>WATCHED_PROGRAMS</code> shows the sinks themselves on the first page.
          </>
        )}
      </p>
    </Panel>
  );
}

function Folded({ text }: { readonly text: string }) {
  return (
    <details class="folded">
      <summary>{text.slice(0, 60)}</summary>
      <pre>{pretty(text)}</pre>
    </details>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}
