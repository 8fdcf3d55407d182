// How far each remote of a project is.

import { Asides } from './asides.tsx';
import { agoText, shortId } from './format.ts';
import { HostView } from './host-view.tsx';
import { useNow } from './page-context.ts';
import { ToneMark } from './state-badge.tsx';
import type { Tone } from './summary.ts';
import type { Project } from './wire.ts';

type Remote = Project['remotes'][number];

const TONES: Record<Remote['state'], Tone> = {
  safe: 'good',
  pending: 'wait',
  retrying: 'wait',
  blocked: 'bad',
};

export function Remotes({ project: { projectId, remotes } }: { project: Project }) {
  if (remotes.length === 0) return <p class="empty">The remotes are known after the first sync.</p>;
  return (
    <>
      <ul class="cards">
        {remotes.map((remote) => (
          <RemoteCard key={remote.name} projectId={projectId} remote={remote} />
        ))}
      </ul>
      <HostView projectId={projectId} />
    </>
  );
}

function RemoteCard({ projectId, remote }: { projectId: string; remote: Remote }) {
  const now = useNow();
  const { name, url, isPrimary, state, stateReason, tips, lastSafeAt, nextTryAt, asides } = remote;
  return (
    <li class="card">
      <div class="card-head">
        <b>{name}</b>
        {!isPrimary && <span class="hint">mirror</span>}
        <span class={`badge ${TONES[state]}`}>
          <ToneMark tone={TONES[state]} />
          {state}
        </span>
      </div>
      <p>
        <code>{url}</code>
      </p>
      {stateReason !== null && (
        <>
          <p>{stateReason.detail}</p>
          <p class="todo">{stateReason.action}</p>
        </>
      )}
      <p class="hint">
        {lastSafeAt === null ? 'Never safe yet' : `Safe ${agoText(lastSafeAt, now)}`}
        {nextTryAt !== null && `, next try ${agoText(nextTryAt, now)}`}
      </p>
      <Asides projectId={projectId} asides={asides} />
      <dl class="tips">
        {Object.entries(tips).map(([branch, tip]) => (
          <div key={branch}>
            <dt>{branch}</dt>
            <dd>
              <code>{shortId(tip)}</code>
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}
