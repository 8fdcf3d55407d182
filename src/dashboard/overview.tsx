// Whether everything is safe, what needs the person, and all projects.

import { Attention, HeldBack } from './attention.tsx';
import { FirstVisit } from './first-visit.tsx';
import { useNow, usePage, usePart } from './page-context.ts';
import { PauseAllMenu } from './pause-menu.tsx';
import { ProjectList } from './project-list.tsx';
import { ToneMark } from './state-badge.tsx';
import { holdsBack, needsPerson, summarize } from './summary.ts';

export function OverviewView() {
  const projects = usePart((state) => state.projects);
  const status = usePart((state) => state.status);
  const all = [...projects.values()];
  const isKnown = usePart((state) => state.freshAt !== null && state.connection.kind !== 'connecting');
  return (
    <>
      <Headline />
      <Stopped />
      {isKnown && all.length === 0 && status !== null && <FirstVisit />}
      <Attention projects={all.filter(needsPerson)} />
      <HeldBack projects={all.filter(holdsBack)} />
      {all.length > 0 && <ProjectList />}
    </>
  );
}

function Headline() {
  const { actions } = usePage();
  const connection = usePart((state) => state.connection);
  const status = usePart((state) => state.status);
  const projects = usePart((state) => state.projects);
  const now = useNow();
  const { tone, headline, detail } = summarize({ connection, status, projects: [...projects.values()], now });
  return (
    <div class={`headline ${tone}`}>
      <ToneMark tone={tone} />
      <div>
        <h1>{headline}</h1>
        <p>{detail}</p>
      </div>
      {projects.size > 0 && (
        <div class="buttons">
          <button type="button" disabled={connection.kind !== 'live'} onClick={() => void actions.syncAll()}>
            Look at all now
          </button>
          <PauseAllMenu projects={[...projects.values()]} />
        </div>
      )}
    </div>
  );
}

function Stopped() {
  const { actions } = usePage();
  const running = usePart((state) => state.status?.serviceRunning ?? true);
  if (running) return null;
  return (
    <div class="notice bad">
      <p>Saved changes stay on this machine while syncing is stopped.</p>
      <button type="button" class="primary" onClick={() => void actions.setRunning(true)}>
        Start syncing
      </button>
    </div>
  );
}
