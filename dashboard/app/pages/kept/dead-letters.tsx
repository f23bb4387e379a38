import type { DeadLetter, DeadQueue, Reading } from '../../api.ts';
import { count, time } from '../../format.ts';
import { ofChosen, useAct, useChoice } from '../../parts/acting.tsx';
import { Choices } from '../../parts/choices.tsx';
import { Folded } from '../../parts/folded.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useApp, useAsk } from '../../state.ts';

const QUEUES = '/api/v1/dead';

/** Events that the service behind a sink refuses, and the queues in which extractors leave failures. */
export function DeadLetters() {
  const { address, overview } = useApp();
  const { answer, error, isLoading, again } = useAsk(QUEUES);
  const queues = answer?.queues ?? [];
  const chosen =
    queues.find(({ sink }) => sink === address.params['sink']) ??
    queues.find(({ messages }) => messages > 0) ??
    queues[0];
  const others = (overview.answer?.probes ?? []).filter(({ target }) => target.startsWith('queue error.'));
  return (
    <>
      {chosen === undefined ? (
        <Panel title="Dead letters of sinks" questions={[QUEUES]} error={error} wide>
          {error === undefined && (
            <p class="empty">{isLoading ? 'Asking RabbitMQ…' : 'No sink has run with this RabbitMQ.'}</p>
          )}
        </Panel>
      ) : (
        <OfSink key={chosen.sink} queues={queues} chosen={chosen} countAgain={again} />
      )}
      {others.length > 0 && <OfExtractors queues={others} />}
    </>
  );
}

interface OfSinkProps {
  readonly queues: readonly DeadQueue[];
  readonly chosen: DeadQueue;
  readonly countAgain: () => void;
}

/** Asked once when opened, not repeatedly: to show a message, RabbitMQ must deliver it. */
function OfSink({ queues, chosen: { sink, messages }, countAgain }: OfSinkProps) {
  const { zone, filter, isAdmin } = useApp();
  const url = `/api/v1/dead/${encodeURIComponent(sink)}?limit=200` as const;
  const { answer, error, isLoading, again } = useAsk(url);
  const items = answer?.letters ?? [];
  const { ids, column, clear } = useChoice(items, ({ id }) => id);
  const readAgain = (): void => {
    clear();
    countAgain();
    again();
  };
  const { said, doIt } = useAct(readAgain);
  const replay = (chosenIds?: readonly string[]): void =>
    doIt(
      '/api/v1/dead/replay',
      { sink, ...(chosenIds !== undefined && { ids: chosenIds }) },
      ({ moved, left, reason }) =>
        `${count(moved)} back in the queue of ${sink}${left === 0 ? '' : `, ${count(left)} not: ${reason}`}`,
    );
  return (
    <Panel
      title="Dead letters of sinks"
      questions={[url, QUEUES]}
      error={error}
      isLoading={isLoading}
      wide
      note={
        <>
          Replay puts events back into the queue of the sink, which sends them again. What the service still refuses
          comes back here. <a href="/guide#dead-letters">What to do</a>
        </>
      }
    >
      <div class="filters">
        <Choices
          label="Sink"
          choices={queues.map(({ sink: name, messages: many }) => ({ name, text: `${name} ${count(many)}` }))}
          chosen={sink}
          onChoose={(name) => filter({ sink: name })}
        />
        <button type="button" onClick={readAgain}>
          Read again
        </button>
        {isAdmin && items.length > 0 && (
          <>
            <button type="button" disabled={ids.length === 0} onClick={() => replay(ids)}>
              {ofChosen('Replay', ids)}
            </button>
            <button type="button" onClick={() => replay()}>
              {messages > 1000 ? 'Replay the oldest 1,000' : 'Replay all'}
            </button>
          </>
        )}
      </div>
      <p role="status" class="said">
        {said}
      </p>
      {items.length === 0 ? (
        <p class="empty">{isLoading ? 'Asking RabbitMQ…' : 'None.'}</p>
      ) : (
        <Table<DeadLetter>
          caption={`Dead letters of ${sink}, oldest first`}
          items={items}
          keyOf={({ id }, index) => `${index} ${id}`}
          columns={[
            ...(isAdmin ? [column] : []),
            { name: 'When', isName: true, cell: ({ time: at }) => (at === '' ? '' : time(Date.parse(at), zone)) },
            {
              name: 'Why',
              isLong: true,
              cell: ({ class: kind, reason }) => (
                <>
                  <b>{kind}</b> {reason}
                </>
              ),
            },
            { name: 'Type', cell: ({ type }) => type },
            { name: 'From whom', cell: ({ source }) => source },
            { name: 'Event', isLong: true, cell: ({ event }) => <Folded text={event} /> },
          ]}
        />
      )}
    </Panel>
  );
}

function OfExtractors({ queues }: { readonly queues: readonly Reading[] }) {
  return (
    <Panel
      title="What extractors left"
      questions={['/api/v1/overview']}
      wide
      note="Messages that an extractor could not work on, as the monitor counted them. They belong to Clowder: look at them in RabbitMQ."
    >
      <Table<Reading>
        caption="Error queues of extractors"
        items={queues}
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
    </Panel>
  );
}
