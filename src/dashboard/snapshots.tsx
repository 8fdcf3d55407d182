// Points in time of a project: what each changed, what changed since, and going back.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { agoText, countText, instantText } from './format.ts';
import { useLoad, useNow, usePart } from './page-context.ts';
import { SnapshotDetail } from './snapshot-detail.tsx';
import type { Project, SnapshotPage } from './wire.ts';

export function Snapshots({ project }: { project: Project }) {
  const now = useNow();
  const runsSeen = usePart((state) => state.runsSeen);
  const [chosen, setChosen] = useState<string | null>(null);
  const [limit, setLimit] = useState(50);
  const path = projectPath(project.projectId, '/snapshots');
  const { value, error, reload } = useLoad(
    (api) => api.get<SnapshotPage>(path, { limit }),
    [path, limit, runsSeen],
  );
  if (error !== null && value === null) {
    return (
      <div class="notice wait">
        <p>{error.message}</p>
        <p class="todo">{error.action}</p>
      </div>
    );
  }
  if (value === null) return <p class="hint">Looking…</p>;
  if (value.snapshots.length === 0) {
    return (
      <p class="empty">
        There is no snapshot. They are taken when the mode is <code>snapshot</code>, and while a merge, a
        rebase or another state keeps the branch from being committed.
      </p>
    );
  }
  return (
    <div class="snapshots">
      <ul class="snapshot-list" aria-label="Snapshots">
        {value.snapshots.map(({ id, at, filesChanged, branch, machine }) => (
          <li key={id}>
            <button
              type="button"
              aria-pressed={id === chosen}
              title={`${instantText(at)} on ${machine}`}
              onClick={() => setChosen(id)}
            >
              <b>{agoText(at, now)}</b>
              <span>
                {branch} · {countText(filesChanged, 'file')}
              </span>
            </button>
          </li>
        ))}
        {value.nextCursor !== null && limit < 500 && (
          <li>
            <button type="button" onClick={() => setLimit(Math.min(500, limit * 2))}>
              Show more
            </button>
          </li>
        )}
      </ul>
      {chosen === null ? (
        <p class="empty">Choose a snapshot to see what it holds.</p>
      ) : (
        <SnapshotDetail key={chosen} project={project} snapshotId={chosen} onRestored={reload} />
      )}
    </div>
  );
}
