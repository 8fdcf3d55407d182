// Asks for the API token. It is kept in this tab's session storage and goes nowhere but to the service.

import { useState } from 'preact/hooks';
import { usePage } from './page-context.ts';

export function Login() {
  const { browser, store, api, live } = usePage();
  const [token, setToken] = useState('');
  const [refused, setRefused] = useState(browser.readToken() !== null);
  const enter = async () => {
    browser.keepToken(token.trim());
    try {
      await api.get('/api/sync/status');
    } catch {
      // Wrong, or no answer: either way the person tries again, and nothing is kept.
      browser.keepToken(null);
      setRefused(true);
      return;
    }
    store.set({ needsToken: false, connection: { kind: 'connecting' } });
    live.connect();
  };
  return (
    <main class="login">
      <h1>gitferry</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <p>This service shows its projects only to callers who have its token.</p>
        <label>
          Token
          <input
            type="password"
            autocomplete="current-password"
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <p role="alert" class="fault">
          {refused && 'This token was not accepted.'}
        </p>
        <button type="submit" class="primary">
          Show the projects
        </button>
        <p class="hint">It is the value of SYNC_API_TOKEN and is kept for this tab only.</p>
      </form>
    </main>
  );
}
