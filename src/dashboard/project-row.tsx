// One project in the list.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { agoText, countText, instantText, timeText } from './format.ts';
import { useNow, usePage, usePart } from './page-context.ts';
import { PauseMenu } from './pause-menu.tsx';
import { projectLink } from './route.ts';
import { Sparkline } from './sparkline.tsx';
import { StateBadge } from './state-badge.tsx';
import type { Project } from './wire.ts';

type RowProps = {
  project: Project;
  hours: readonly number[] | undefined;
  index: number;
  count: number;
  topPx: number;
};

export function ProjectRow({ project, hours, index, count, topPx }: RowProps) {
  const { actions } = usePage();
  const row = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (row.current) row.current.style.transform = `translateY(${topPx}px)`;
  }, [topPx]);
  const { projectId, projectName, path, branch, state } = project;
  return (
    <li ref={row} class="row" aria-posinset={index + 1} aria-setsize={count}>
      <div class="who">
        <a class="name" href={projectLink(projectId)}>
          {projectName}
        </a>
        <span class="path" title={path}>
          {branch !== null && <b>{branch}</b>} {path}
        </span>
      </div>
      <StateBadge state={state} />
      <Owed project={project} />
      <SafeSince project={project} />
      <Sparkline hours={hours} />
      <div class="row-actions">
        {state !== 'disabled' && (
          <button
            type="button"
            aria-label={`Sync ${projectName} now`}
            onClick={() => void actions.syncNow(project)}
          >
            Sync
          </button>
        )}
        <PauseMenu project={project} />
      </div>
    </li>
  );
}

function Owed({ project }: { project: Project }) {
  const { pendingFiles, unpushedCommits, heldFiles } = project;
  const parts = [
    pendingFiles > 0 && `${countText(pendingFiles, 'file')} changed`,
    unpushedCommits > 0 && `${countText(unpushedCommits, 'commit')} to push`,
    heldFiles.length > 0 && `${heldFiles.length} held`,
  ].filter(Boolean);
  return <span class="owed">{parts.join(', ')}</span>;
}

export function SafeSince({ project }: { project: Project }) {
  const now = useNow();
  const isLost = usePart((page) => page.connection.kind === 'lost');
  const { lastSafeAt, state } = project;
  if (state === 'disabled') return <span class="since">not synced</span>;
  if (lastSafeAt === null) return <span class="since">never safe yet</span>;
  return (
    <span class="since" title={instantText(lastSafeAt)}>
      {state === 'safe' && !isLost ? 'safe' : 'last safe'}{' '}
      <time dateTime={lastSafeAt}>{isLost ? timeText(lastSafeAt) : agoText(lastSafeAt, now)}</time>
    </span>
  );
}
