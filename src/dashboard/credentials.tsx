// The tokens that are known or needed: whether their host takes them, for what and until when. Never a secret.

import { useState } from 'preact/hooks';
import { agoText, countText, instantText } from './format.ts';
import { useLoad, useNow, usePage } from './page-context.ts';
import type { Tone } from './summary.ts';
import type { Credential } from './wire.ts';

type Answer = { credentials: Credential[] };

const STATES: Record<Credential['state'], { text: string; tone: Tone }> = {
  ok: { text: 'good', tone: 'good' },
  'ends-soon': { text: 'ends soon', tone: 'wait' },
  ended: { text: 'ended', tone: 'bad' },
  rejected: { text: 'refused', tone: 'bad' },
  missing: { text: 'missing', tone: 'bad' },
  unreadable: { text: 'cannot be read', tone: 'bad' },
  unchecked: { text: 'not checked', tone: 'quiet' },
};

export function Credentials() {
  const { api, actions } = usePage();
  const { value, error } = useLoad((api) => api.get<Answer>('/api/sync/credentials'), []);
  const [checked, setChecked] = useState<Answer | null>(null);
  const [busy, setBusy] = useState(false);
  if (error !== null) return <p class="fault">{error.message}</p>;
  const shown = checked ?? value;
  if (shown === null) return <p class="hint">Asking the hosts…</p>;
  const check = async () => {
    setBusy(true);
    await actions.attempt(null, async () =>
      setChecked(await api.get<Answer>('/api/sync/credentials', { refresh: 'true' })),
    );
    setBusy(false);
  };
  return (
    <>
      {shown.credentials.length === 0 ? (
        <p class="hint">
          No token is known. Repositories that push over SSH, or without a password, need none; for the others
          set <code>GITHUB_TOKEN</code>, or run <code>gitferry login</code>.
        </p>
      ) : (
        <ul class="cards">
          {shown.credentials.map((credential) => (
            <CredentialCard key={credential.key} credential={credential} />
          ))}
        </ul>
      )}
      <p>
        <button type="button" disabled={busy} onClick={() => void check()}>
          Check now
        </button>
      </p>
    </>
  );
}

function CredentialCard({ credential }: { credential: Credential }) {
  const now = useNow();
  const { key, source, from, state, stateReason, login, scopes, expiresAt, checkedAt, projectIds } =
    credential;
  const { text, tone } = STATES[state];
  const facts = [
    login !== null && `account ${login}`,
    source !== null && `from ${from ?? source}`,
    scopes !== null && `for ${scopes.join(', ') || 'public data only'}`,
    expiresAt !== null && `ends ${instantText(expiresAt)}`,
    projectIds.length > 0 && `needed by ${countText(projectIds.length, 'project')}`,
    checkedAt !== null && `asked ${agoText(checkedAt, now)}`,
  ].filter(Boolean);
  return (
    <li class="card">
      <div class="card-head">
        <code>{key}</code>
        <span class={`badge ${tone}`}>{text}</span>
      </div>
      <p class="hint">{facts.join(' · ')}</p>
      {stateReason !== null && (
        <p>
          {stateReason.detail} <span class="todo">{stateReason.action}</span>
        </p>
      )}
    </li>
  );
}
