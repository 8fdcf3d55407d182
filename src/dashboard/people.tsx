// The people and programs that may call, each with a token of its own: made here, shown once, revoked here.

import { useState } from 'preact/hooks';
import { Confirm } from './dialog.tsx';
import { agoText, instantText } from './format.ts';
import { useNow, usePage } from './page-context.ts';
import { Pager } from './pager.tsx';
import { TokenForm } from './token-form.tsx';
import { usePages } from './use-pages.ts';
import type { AccessToken, TokenAdded, TokenPage } from './wire.ts';

const PAGE = 50;

const ROLES: Record<AccessToken['role'], string> = {
  viewer: 'reads',
  operator: 'also syncs, pauses and restores',
  admin: 'may do everything',
};

export function PeopleView() {
  const { value, error, newer, older, reload } = usePages<TokenPage>(
    (api, cursor) => api.get('/api/sync/tokens', { limit: PAGE, cursor }),
    [],
  );
  const [added, setAdded] = useState<TokenAdded | null>(null);
  // Also where the list cannot be read anew: there is no other time.
  const secret = added !== null && <Secret added={added} onClose={() => setAdded(null)} />;
  if (error !== null) {
    return (
      <>
        <h1>People</h1>
        {secret}
        <p class="fault">
          {error.message} {error.action}
        </p>
      </>
    );
  }
  const take = (answer: TokenAdded) => {
    setAdded(answer);
    reload();
  };
  return (
    <>
      <h1>People</h1>
      <p class="hint">
        On this machine nobody needs a token. From elsewhere each person and program calls with its own, and
        the audit names it.
      </p>
      {secret}
      {value !== null && value.tokens.length === 0 && <p class="empty">No token was made yet.</p>}
      {value !== null && value.tokens.length > 0 && (
        <ul class="cards">
          {value.tokens.map((token) => (
            <TokenCard key={token.tokenId} token={token} onRevoked={reload} />
          ))}
        </ul>
      )}
      <Pager newer={newer} older={older} />
      <h2>Make a token</h2>
      <TokenForm onAdded={take} roles={ROLES} />
    </>
  );
}

/** The only time that it is shown: the service itself keeps no more than its fingerprint. */
function Secret({ added: { token, secret }, onClose }: { added: TokenAdded; onClose: () => void }) {
  const { browser, actions } = usePage();
  const copy = () => actions.attempt('The token is copied.', () => browser.copy(secret));
  return (
    <section class="notice good secret" aria-label="The new token">
      <label>
        The token of {token.name}. Copy it now: it is not shown again.
        <input readOnly value={secret} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <div class="buttons">
        {browser.canCopy && (
          <button type="button" class="primary" onClick={() => void copy()}>
            Copy
          </button>
        )}
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </section>
  );
}

function TokenCard({ token, onRevoked }: { token: AccessToken; onRevoked: () => void }) {
  const { api, actions } = usePage();
  const now = useNow();
  const [asks, setAsks] = useState(false);
  const { tokenId, name, role, createdAt, createdBy, expiresAt, lastUsedAt } = token;
  const hasEnded = expiresAt !== null && Date.parse(expiresAt) <= now;
  const revoke = async () => {
    await actions.attempt(`The token of ${name} is revoked.`, () =>
      api.send('DELETE', `/api/sync/tokens/${tokenId}`),
    );
    onRevoked();
  };
  const facts = [
    `made ${agoText(createdAt, now)} by ${createdBy}`,
    lastUsedAt === null ? 'never used' : `used ${agoText(lastUsedAt, now)}`,
    expiresAt !== null && `${hasEnded ? 'ended' : 'ends'} ${instantText(expiresAt)}`,
  ].filter(Boolean);
  return (
    <li class="card">
      <div class="card-head">
        <b>{name}</b>
        <span class={`badge ${hasEnded ? 'bad' : 'quiet'}`}>{hasEnded ? 'ended' : role}</span>
      </div>
      <p>{ROLES[role]}</p>
      <p class="hint">{facts.join(' · ')}</p>
      <button type="button" onClick={() => setAsks(true)}>
        Revoke
      </button>
      {asks && (
        <Confirm
          title={`Revoke the token of ${name}?`}
          verb="Revoke"
          onConfirm={revoke}
          onClose={() => setAsks(false)}
        >
          <p>Whoever holds it can call no more, and live feeds that it opened end at once.</p>
        </Confirm>
      )}
    </li>
  );
}
