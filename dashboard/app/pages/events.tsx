import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, ask, type ClowderEvent } from '../api.ts';
import { bytes, time } from '../format.ts';
import { rowsOf, matches, subjectOf, type TailFilter } from '../tail.ts';
import { Panel } from '../parts/panel.tsx';
import { State } from '../parts/table.tsx';
import { loginOver, useApp } from '../state.ts';

const PAGE_EVENTS = 100;
/** How many events the page keeps; older ones are in the history. */
const KEPT_EVENTS = 500;

const TAIL_FILTERS = {
  type: 'Event',
  source: 'Source',
  client_kind: 'Client',
  resource_id: 'Resource',
  user_id: 'User',
} as const;
const SUGGESTED: Readonly<Record<string, readonly string[]>> = {
  source: ['proxy', 'nginx', 'sdk', 'api', 'browser', 'monitor', 'rabbitmq'],
  client_kind: ['browser', 'extractor', 'api', 'bot'],
};

/** Events as they come, and one event with everything known about it. */
export function EventsPage() {
  const { address, zone, filter } = useApp();
  const { params } = address;
  const wanted: TailFilter = Object.fromEntries(Object.keys(TAIL_FILTERS).flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]]))); // prettier-ignore
  const { events, isLive, error, isPaused, setPaused, url, types } = useTail(wanted);
  const opened = events.find(({ event_id: id }) => id === params['event']);
  return (
    <>
      <h1>Events as they come</h1>
      <div class="filters named" role="group" aria-label="Filters">
        {Object.entries(TAIL_FILTERS).map(([name, title]) => (
          <label key={name}>
            {title}
            <input
              list={`of-${name}`}
              value={params[name] ?? ''}
              placeholder="all"
              spellcheck={false}
              onChange={(event) => filter({ [name]: event.currentTarget.value.trim() || undefined })}
            />
            <datalist id={`of-${name}`}>
              {(name === 'type' ? types : (SUGGESTED[name] ?? [])).map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          </label>
        ))}
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <State tone={isPaused ? 'none' : isLive ? 'good' : 'warn'}>
          {isPaused ? 'paused' : isLive ? 'live' : 'connecting'}
        </State>
      </div>
      <Panel title="Latest events" questions={[url]} error={error} isEmpty={events.length === 0} wide>
        <div class="scroll tail" tabIndex={0} role="group" aria-label="Latest events, newest first">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Event</th>
                <th scope="col">What</th>
                <th scope="col">Who</th>
                <th scope="col">Client</th>
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr key={event.event_id}>
                  <td class="time">
                    <time dateTime={new Date(event.created).toISOString()}>
                      <span>{time(event.created, zone).slice(0, 10)}</span> {time(event.created, zone).slice(11)}
                    </time>
                  </td>
                  <th scope="row">
                    <button type="button" class="link" onClick={() => filter({ event: event.event_id })}>
                      {event.event}
                    </button>
                  </th>
                  <td class="what">{subjectOf(event)}</td>
                  <td>{textOf(event['user_name'] ?? event['user_id'])}</td>
                  <td>{textOf(event['client_kind'])}</td>
                  <td>{textOf(event['source'])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      {opened !== undefined && <Detail event={opened} onClose={() => filter({ event: undefined })} />}
    </>
  );
}

const textOf = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/** First the history, then new events, with the same filters. */
function useTail(wanted: TailFilter) {
  const [events, setEvents] = useState<readonly ClowderEvent[]>([]);
  const [isLive, setLive] = useState(false);
  const [isPaused, setPaused] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [types, setTypes] = useState<readonly string[]>([]);
  const query = new URLSearchParams({ limit: String(PAGE_EVENTS), ...wanted }).toString();
  const url = `/api/v1/events?${query.replaceAll('%2C', ',')}` as const;
  useEffect(() => {
    ask('/schemas').then(
      ({ schemas }) => setTypes(schemas.map((path) => path.replace(/^\/schemas\/|\.json$/g, ''))),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (isPaused) return undefined;
    const controller = new AbortController();
    const type = wanted['type'];
    const stream = new EventSource(
      `/api/v1/events/stream${type === undefined ? '' : `?type=${encodeURIComponent(type)}`}`,
    );
    // Events that arrive together are drawn together.
    let arrived: ClowderEvent[] = [];
    let drawing = 0;
    const draw = (): void => {
      drawing = 0;
      const fresh = arrived;
      arrived = [];
      setEvents((before) => rowsOf(fresh, before, KEPT_EVENTS));
    };
    const take = (message: MessageEvent<string>): void => {
      const event = JSON.parse(message.data) as ClowderEvent;
      if (!matches(event, wanted)) return;
      arrived.push(event);
      // Not an animation frame: those stop in a hidden page, and events do not.
      if (drawing === 0) drawing = window.setTimeout(draw, 50);
    };
    const readHistory = async (): Promise<void> => {
      try {
        const { events: found } = await ask(url, controller.signal);
        setError(undefined);
        setEvents((before) => rowsOf(found, before.filter((event) => matches(event, wanted)), KEPT_EVENTS)); // prettier-ignore
      } catch (failure) {
        if (!(failure instanceof ApiError)) return;
        setError(failure);
        if (failure.status === 401) loginOver.dispatchEvent(new Event('over'));
      }
    };
    // Asked once the stream is open, so that no event falls between the two.
    stream.addEventListener('open', () => {
      setLive(true);
      void readHistory();
    });
    stream.addEventListener('error', () => {
      setLive(false);
      if (stream.readyState === EventSource.CLOSED) void readHistory();
    });
    for (const name of type?.split(',') ?? types) stream.addEventListener(name, take);
    return () => {
      controller.abort();
      stream.close();
      clearTimeout(drawing);
      setLive(false);
    };
  }, [url, isPaused, types.join()]);
  useEffect(() => setEvents([]), [url]);
  return { events, isLive, isPaused, setPaused, error, url, types };
}

function Detail({ event, onClose }: { readonly event: ClowderEvent; readonly onClose: () => void }) {
  const { zone, overview } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const traces = overview.answer?.traces_url ?? null;
  const trace = typeof event['trace_id'] === 'string' ? event['trace_id'] : undefined;
  return (
    <dialog ref={dialog} aria-labelledby="event-title" onClose={onClose}>
      <header>
        <h2 id="event-title">{event.event}</h2>
        <button type="button" onClick={() => dialog.current?.close()} aria-label="Close">
          ✕
        </button>
      </header>
      <p>
        {time(event.created, zone)}, reported by <b>{textOf(event['source']) || 'an unknown source'}</b>
        {event['recovered'] === true && ' (a weaker observation: the proxy’s own never came)'}
      </p>
      <p class="links">
        <a href={`/schemas/${event.event}.json`} target="_blank" rel="noreferrer">
          Its schema
        </a>
        {trace !== undefined &&
          (traces === null ? (
            <span class="note">
              Trace {trace}: set <code>TRACES_URL</code> to open it
            </span>
          ) : (
            <a href={`${traces}/trace/${encodeURIComponent(trace)}`} target="_blank" rel="noreferrer">
              Its trace
            </a>
          ))}
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Fields of the event">
        <table class="fields">
          <tbody>
            {Object.entries(event).map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  {name === 'created'
                    ? `${textOf(value)} (${time(event.created, zone)})`
                    : name === 'bytes'
                      ? `${textOf(value)} (${bytes(Number(value))})`
                      : typeof value === 'object'
                        ? JSON.stringify(value)
                        : textOf(value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </dialog>
  );
}
