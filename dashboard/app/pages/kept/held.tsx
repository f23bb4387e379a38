import type { Held } from '../../api.ts';
import { count, time } from '../../format.ts';
import { useAct } from '../../parts/acting.tsx';
import { Choices } from '../../parts/choices.tsx';
import { Folded } from '../../parts/folded.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useApp, useAsk } from '../../state.ts';
import { sourceOf } from '../../tail.ts';

const EVERY_MS = 10_000;
const REASONS = { unroutable: 'No queue is bound for their type', nacked: 'A full queue refuses them' } as const;

/** Events that RabbitMQ has no place for now. */
export function HeldList() {
  const { zone, isAdmin, overview, address, filter } = useApp();
  const reason = address.params['reason'] === 'nacked' ? 'nacked' : 'unroutable';
  const url = `/api/v1/held?reason=${reason}&limit=200` as const;
  const { answer, error, isLoading, again } = useAsk(url, EVERY_MS);
  const { said, doIt } = useAct(again);
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
          The collector tries these again by itself. <a href="/guide#events-that-no-queue-takes">What to do</a>
        </>
      }
    >
      <div class="filters">
        <Choices
          label="Why"
          choices={Object.entries(REASONS).map(([name, text]) => ({ name, text }))}
          chosen={reason}
          onChoose={(name) => filter({ reason: name === 'unroutable' ? undefined : name })}
        />
        {isAdmin && items.length > 0 && (
          <button
            type="button"
            onClick={() =>
              doIt(
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
            { name: 'Type', cell: ({ type }) => type },
            { name: 'From whom', cell: ({ event }) => sourceOf(event) },
            { name: 'Event', isLong: true, cell: ({ event }) => <Folded text={event} /> },
          ]}
        />
      )}
    </Panel>
  );
}
