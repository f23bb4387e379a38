import type { Rejected } from '../../api.ts';
import { count, time } from '../../format.ts';
import { ofChosen, useAct, useChoice } from '../../parts/acting.tsx';
import { Folded } from '../../parts/folded.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useApp, useAsk } from '../../state.ts';

const EVERY_MS = 10_000;

/** Events that were wrong, or that RabbitMQ refuses as they are. */
export function RejectedList() {
  const { zone, isAdmin } = useApp();
  const url = '/api/v1/rejected?limit=200';
  const { answer, error, isLoading, again } = useAsk(url, EVERY_MS);
  const items = (answer?.rejected ?? []).toSorted((a, b) => b.id - a.id);
  const { ids, column, clear } = useChoice(items, ({ id }) => id);
  const { said, doIt } = useAct(() => {
    clear();
    again();
  });
  const replay = (body: { readonly ids?: readonly number[] }): void =>
    doIt(
      '/api/v1/rejected/replay',
      body,
      ({ accepted, rejected }) => `${count(accepted)} accepted, ${count(rejected)} still wrong`,
    );
  return (
    <Panel
      title="Rejected events"
      questions={[url]}
      error={error}
      isLoading={isLoading}
      wide
      note={
        <>
          Replay checks events again and accepts those that are right now.{' '}
          <a href="/guide#rejected-events">What to do</a>
        </>
      }
    >
      {isAdmin && items.length > 0 && (
        <p class="actions">
          <button type="button" disabled={ids.length === 0} onClick={() => replay({ ids })}>
            {ofChosen('Replay', ids)}
          </button>
          <button type="button" onClick={() => replay({})}>
            Replay all
          </button>
          <button
            type="button"
            class="danger"
            disabled={ids.length === 0}
            onClick={() =>
              confirm(`Discard ${ids.length} for good?`) &&
              doIt('/api/v1/rejected/discard', { ids }, ({ discarded }) => `${count(discarded)} discarded`)
            }
          >
            {ofChosen('Discard', ids)}
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
            ...(isAdmin ? [column] : []),
            { name: 'When', isName: true, cell: ({ atMs }) => time(atMs, zone) },
            {
              name: 'Why',
              isLong: true,
              cell: ({ code, message }) => (
                <>
                  <b>{code}</b> {message}
                </>
              ),
            },
            {
              name: 'From whom',
              isLong: true,
              cell: ({ origin, sender }) => `${origin}${sender === undefined || sender === '' ? '' : `, ${sender}`}`,
            },
            { name: 'Event', isLong: true, cell: ({ record }) => <Folded text={record} /> },
          ]}
        />
      )}
    </Panel>
  );
}
