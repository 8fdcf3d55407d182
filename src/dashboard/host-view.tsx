// What the host says of a project's repository. Asked for only when wanted: it costs the account a request.

import { useState } from 'preact/hooks';
import { ApiError, projectPath } from './api.ts';
import { usePage } from './page-context.ts';
import type { Repository } from './wire.ts';

export function HostView({ projectId }: { projectId: string }) {
  const { api } = usePage();
  const [found, setFound] = useState<Repository | null>(null);
  const [fault, setFault] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    setFault(null);
    try {
      type Answer = { repository: Repository };
      setFound((await api.get<Answer>(projectPath(projectId, '/repository'))).repository);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section>
      <h2>On the host</h2>
      {found !== null && <Facts repository={found} />}
      <div role="status">
        {fault !== null && (
          <p class="fault">
            {fault.message} {fault.action}
          </p>
        )}
      </div>
      <p class="buttons">
        <button type="button" disabled={busy} onClick={() => void ask()}>
          Ask the host
        </button>
      </p>
    </section>
  );
}

function Facts({ repository }: { repository: Repository }) {
  const { state, stateReason, fullName, host, private: isPrivate, defaultBranch, refusedPush } = repository;
  const facts = [
    fullName !== null && `${fullName} on ${host}`,
    isPrivate !== null && (isPrivate ? 'private' : 'public'),
    defaultBranch !== null && `default branch ${defaultBranch}`,
    state !== 'found' && state,
  ].filter(Boolean);
  return (
    <>
      <p>{facts.join(' · ')}</p>
      {stateReason !== null && (
        <p>
          {stateReason.detail} <span class="todo">{stateReason.action}</span>
        </p>
      )}
      {refusedPush !== null && <p>{refusedPush}</p>}
    </>
  );
}
