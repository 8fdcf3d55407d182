// One snapshot: its differences, and bringing files back from it.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { Confirm } from './dialog.tsx';
import { Diff } from './diff.tsx';
import { countText, instantText } from './format.ts';
import { useLoad, usePage } from './page-context.ts';
import type { Project, Restored, SnapshotDiff } from './wire.ts';

type Against = SnapshotDiff['against'];
type DetailProps = { project: Project; snapshotId: string; onRestored: () => void };

export function SnapshotDetail({ project, snapshotId, onRestored }: DetailProps) {
  const [against, setAgainst] = useState<Against>('worktree');
  const [asked, setAsked] = useState<{ paths: string[] | null } | null>(null);
  const [restored, setRestored] = useState<Restored | null>(null);
  const path = projectPath(project.projectId, `/snapshots/${encodeURIComponent(snapshotId)}`);
  const { value, error, reload } = useLoad(
    (api) => api.get<SnapshotDiff>(path, { against }),
    [path, against],
  );
  if (error !== null) return <p class="fault">{error.message}</p>;
  if (value === null) return <p class="hint">Comparing…</p>;
  const { files, snapshot, truncated } = value;
  return (
    <section class="snapshot">
      <h2>{instantText(snapshot.at)}</h2>
      <fieldset class="segments">
        <legend class="sr-only">Compare</legend>
        {(['worktree', 'previous'] as const).map((name) => (
          <label key={name}>
            <input type="radio" name="against" checked={against === name} onChange={() => setAgainst(name)} />
            <span>{name === 'worktree' ? 'What changed since' : 'What it changed'}</span>
          </label>
        ))}
      </fieldset>
      {files.length === 0 && <p class="empty">Nothing differs.</p>}
      {files.map(({ path: file, kind, diff }) => (
        <details key={file} open={files.length <= 3}>
          <summary>
            <code>{file}</code> <span class={`kind ${kind}`}>{kind}</span>
          </summary>
          {diff === null ? <p class="hint">No text, or too much of it.</p> : <Diff text={diff} />}
          <button type="button" onClick={() => setAsked({ paths: [file] })}>
            Bring this file back
          </button>
        </details>
      ))}
      {truncated && <p class="hint">More files differ than are named here.</p>}
      <div class="buttons">
        <button type="button" class="primary" onClick={() => setAsked({ paths: null })}>
          Bring everything back
        </button>
      </div>
      {restored !== null && <RestoreReport restored={restored} />}
      {asked !== null && (
        <Restore
          project={project}
          snapshotId={snapshotId}
          paths={asked.paths}
          onClose={() => setAsked(null)}
          onDone={(answer) => {
            setRestored(answer);
            reload();
            onRestored();
          }}
        />
      )}
    </section>
  );
}

type RestoreProps = {
  project: Project;
  snapshotId: string;
  paths: string[] | null;
  onClose: () => void;
  onDone: (answer: Restored) => void;
};

function Restore({ project, snapshotId, paths, onClose, onDone }: RestoreProps) {
  const { actions, api } = usePage();
  const restore = () =>
    actions.attempt(null, async () => {
      const body = { snapshot: snapshotId, ...(paths !== null && { paths }) };
      onDone(await api.send<Restored>('POST', projectPath(project.projectId, '/restore'), body));
    });
  const what = paths === null ? 'everything' : paths.join(', ');
  return (
    <Confirm title={`Bring back ${what}?`} verb="Bring it back" onConfirm={restore} onClose={onClose}>
      <p>A snapshot of now is taken first, so that this can be undone.</p>
      <p class="hint">HEAD and the index stay as they are; ignored and held files are not touched.</p>
    </Confirm>
  );
}

function RestoreReport({ restored: { restored, skipped } }: { restored: Restored }) {
  return (
    <div class="notice good" role="status">
      <p>{countText(restored.length, 'file')} brought back. A snapshot of the moment before is kept.</p>
      {skipped.map(({ path, reason }) => (
        <p key={path} class="hint">
          <code>{path}</code> stayed as it was: {reason}
        </p>
      ))}
    </div>
  );
}
