import { useState } from 'preact/hooks';

interface LoginProps {
  readonly problem: string | undefined;
  readonly logIn: (key: string) => Promise<string | undefined>;
}

/** Asks for a key with the scope read; the collector answers with a cookie that no script can read. */
export function Login({ problem, logIn }: LoginProps) {
  const [refused, setRefused] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const said = refused ?? problem;
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const key = new FormData(form).get('key');
    if (typeof key !== 'string' || key.trim() === '') {
      setRefused('Type a key first');
      return;
    }
    setBusy(true);
    setRefused(await logIn(key));
    setBusy(false);
  };
  return (
    <main class="login" id="content">
      <form onSubmit={(event) => void submit(event)}>
        <h1>clowder-otel</h1>
        <p>
          Is everything well, and how much is Clowder used? Log in with an API key that has the scope <code>read</code>.
        </p>
        <label for="key">API key, scope read</label>
        <input
          id="key"
          name="key"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          autofocus
          aria-invalid={said !== undefined}
          aria-describedby="refused"
        />
        <p id="refused" class="refused" role="alert">
          {said}
        </p>
        <button type="submit" disabled={isBusy}>
          Log in
        </button>
        <p class="note">
          No key? <code>clowder-otel keys add --name me --scope read</code> makes one. With{' '}
          <code>--scope read admin</code> it may also publish undelivered events again.
        </p>
      </form>
    </main>
  );
}
