// One project: whether it is safe and why not, and its parts in tabs.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { ConflictPanel } from './conflict.tsx';
import { Confirm } from './dialog.tsx';
import { adviceText, countText } from './format.ts';
import { HeldFiles } from './held-files.tsx';
import { usePage, usePart } from './page-context.ts';
import { PauseMenu } from './pause-menu.tsx';
import { SafeSince } from './project-row.tsx';
import { ProjectSettings } from './project-settings.tsx';
import { Remotes } from './remotes.tsx';
import { projectLink, TABS, type Tab, viewLink } from './route.ts';
import { Snapshots } from './snapshots.tsx';
import { StateBadge } from './state-badge.tsx';
import { toneOfProject } from './summary.ts';
import { Timeline } from './timeline.tsx';
import type { Project } from './wire.ts';

const TAB_NAMES: Record<Tab, string> = {
  timeline: 'Timeline',
  files: 'Files to decide',
  snapshots: 'Snapshots',
  remotes: 'Remotes',
  settings: 'Settings',
};

export function ProjectView({ projectId, tab }: { projectId: string; tab: Tab }) {
  const project = usePart((state) => state.projects.get(projectId) ?? null);
  const isRead = usePart((state) => state.freshAt !== null);
  if (project === null) {
    return (
      <>
        <h1>{isRead ? 'There is no such project' : 'Looking…'}</h1>
        <p>
          <a href={viewLink('overview')}>All projects</a>
        </p>
      </>
    );
  }
  const waiting = project.heldFiles.length + project.conflictFiles.length;
  return (
    <>
      <ProjectHead project={project} />
      <nav class="tabs" aria-label="Parts of the project">
        {TABS.map((name) => (
          <a
            key={name}
            href={projectLink(projectId, name)}
            {...(name === tab && { 'aria-current': 'page' as const })}
          >
            {TAB_NAMES[name]}
            {name === 'files' && waiting > 0 && <span class="count">{waiting}</span>}
          </a>
        ))}
      </nav>
      <TabContent key={`${projectId} ${tab}`} project={project} tab={tab} />
    </>
  );
}

function TabContent({ project, tab }: { project: Project; tab: Tab }) {
  switch (tab) {
    case 'timeline':
      return <Timeline project={project} />;
    case 'files':
      return (
        <>
          <ConflictPanel project={project} />
          <HeldFiles project={project} />
        </>
      );
    case 'snapshots':
      return <Snapshots project={project} />;
    case 'remotes':
      return <Remotes project={project} />;
    case 'settings':
      return <ProjectSettings project={project} />;
    default:
      return tab satisfies never;
  }
}

function ProjectHead({ project }: { project: Project }) {
  const { actions } = usePage();
  const { projectName, path, branch, state, stateReason, engine, pendingFiles, unpushedCommits } = project;
  const owed = [
    pendingFiles > 0 && `${countText(pendingFiles, 'file')} changed`,
    unpushedCommits > 0 && `${countText(unpushedCommits, 'commit')} to push`,
    project.behindCommits > 0 && `${countText(project.behindCommits, 'commit')} behind`,
  ].filter(Boolean);
  return (
    <header class="project-head">
      <p class="crumb">
        <a href={viewLink('overview')}>Projects</a>
      </p>
      <div class="project-title">
        <h1>{projectName}</h1>
        <StateBadge state={state} />
        <SafeSince project={project} />
        <div class="buttons">
          {state !== 'disabled' && (
            <button type="button" class="primary" onClick={() => void actions.syncNow(project)}>
              Sync now
            </button>
          )}
          <PauseMenu project={project} />
          <Forget project={project} />
        </div>
      </div>
      <p class="path">
        {branch !== null && <b>{branch}</b>} {path} {owed.length > 0 && <span>· {owed.join(', ')}</span>}
      </p>
      {engine?.reason && <p class="hint">The git that is installed works here: {engine.reason}</p>}
      {stateReason !== null && (
        <div class={`notice ${toneOfProject(project)}`}>
          <p>{stateReason.detail}</p>
          <p class="todo">{adviceText(stateReason.action)}</p>
        </div>
      )}
    </header>
  );
}

function Forget({ project }: { project: Project }) {
  const { actions, api, live } = usePage();
  const [asks, setAsks] = useState(false);
  const { projectId, projectName, path } = project;
  const forget = async () => {
    const work = async () => {
      await api.send('DELETE', projectPath(projectId));
      await live.refresh([projectId]);
      location.hash = viewLink('overview');
    };
    await actions.attempt(`${projectName} is forgotten.`, work);
  };
  return (
    <>
      <button type="button" onClick={() => setAsks(true)}>
        Forget
      </button>
      {asks && (
        <Confirm
          title={`Forget ${projectName}?`}
          verb="Forget it"
          onConfirm={forget}
          onClose={() => setAsks(false)}
        >
          <p>It is not synced any more, and its history here is lost.</p>
          <p>
            The files in <code>{path}</code> and what is on the remote stay as they are.
          </p>
        </Confirm>
      )}
    </>
  );
}
