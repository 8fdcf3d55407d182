// What needs the person: each with the reason, what to do, and the button that leads there.

import { adviceText, countText } from './format.ts';
import { usePage } from './page-context.ts';
import { projectLink } from './route.ts';
import { StateBadge } from './state-badge.tsx';
import type { Project } from './wire.ts';

const MOST_SHOWN = 20;

export function Attention({ projects }: { projects: readonly Project[] }) {
  if (projects.length === 0) return null;
  return (
    <section class="attention">
      <h2>Needs you</h2>
      <ul>
        {projects.slice(0, MOST_SHOWN).map((project) => (
          <AttentionItem key={project.projectId} project={project} />
        ))}
      </ul>
      {projects.length > MOST_SHOWN && <p class="hint">and {projects.length - MOST_SHOWN} more below</p>}
    </section>
  );
}

function AttentionItem({ project }: { project: Project }) {
  const { actions } = usePage();
  const { projectId, projectName, state, stateReason } = project;
  const decision = decisionOf(project);
  return (
    <li class="card">
      <div class="card-head">
        <a href={projectLink(projectId)}>{projectName}</a>
        <StateBadge state={state} />
      </div>
      {stateReason !== null && (
        <>
          <p>{stateReason.detail}</p>
          <p class="todo">{adviceText(stateReason.action)}</p>
        </>
      )}
      <div class="buttons">
        {decision !== null ? (
          <a class="button primary" href={projectLink(projectId, 'files')}>
            {decision}
          </a>
        ) : (
          <button type="button" class="primary" onClick={() => void actions.syncNow(project)}>
            Try again
          </button>
        )}
        <a class="button" href={projectLink(projectId)}>
          Open
        </a>
      </div>
    </li>
  );
}

/** What only a person can decide, and where the page lets them; null: nothing but another try helps here. */
function decisionOf({ conflictFiles, stateReason }: Project): string | null {
  if (conflictFiles.length > 0) return 'Choose whose version';
  if (stateReason?.code === 'mass-deletion') return 'Look at the deletions';
  return stateReason?.code === 'secret-in-commit' ? 'Look at the files' : null;
}

export function HeldBack({ projects }: { projects: readonly Project[] }) {
  if (projects.length === 0) return null;
  return (
    <section class="held-back">
      <h2>Held back on this machine</h2>
      <ul>
        {projects.slice(0, MOST_SHOWN).map(({ projectId, projectName, heldFiles }) => (
          <li key={projectId}>
            <a href={projectLink(projectId, 'files')}>{projectName}</a>
            <span>
              {countText(heldFiles.length, 'file')}:{' '}
              {heldFiles
                .slice(0, 3)
                .map(({ path }) => path)
                .join(', ')}
              {heldFiles.length > 3 && ', …'}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
