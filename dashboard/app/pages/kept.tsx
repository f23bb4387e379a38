import { Choices } from '../parts/choices.tsx';
import { useApp } from '../state.ts';
import { DeadLetters } from './kept/dead-letters.tsx';
import { HeldList } from './kept/held.tsx';
import { RejectedList } from './kept/rejected.tsx';

const WHATS = {
  rejected: { title: 'Rejected', List: RejectedList },
  held: { title: 'Held', List: HeldList },
  dead: { title: 'Dead letters', List: DeadLetters },
} as const;
type What = keyof typeof WHATS;

/** Undelivered events: why, from whom, and ways to send them on. */
export function KeptPage() {
  const { address, filter, isAdmin } = useApp();
  const given = address.params['what'];
  const what: What = given !== undefined && Object.hasOwn(WHATS, given) ? (given as What) : 'rejected';
  const { List } = WHATS[what];
  return (
    <>
      <h1>Undelivered events</h1>
      <div class="filters">
        <Choices
          label="Which"
          choices={Object.entries(WHATS).map(([name, { title }]) => ({ name, text: title }))}
          chosen={what}
          onChoose={(name) => filter({ what: name === 'rejected' ? undefined : name })}
        />
        {!isAdmin && (
          <span class="note">
            To publish again or discard, log in with a key that has the scope <code>admin</code>.
          </span>
        )}
      </div>
      <List />
    </>
  );
}
