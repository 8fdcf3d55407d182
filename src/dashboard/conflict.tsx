// Both sides changed the same files: whose version they get.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { Confirm } from './dialog.tsx';
import { Diff } from './diff.tsx';
import { useLoad, usePage } from './page-context.ts';
import type { Conflict, Project } from './wire.ts';

type Choice = 'mine' | 'theirs' | 'both';

const CHOICES: Record<Choice, { verb: string; text: string }> = {
  mine: { verb: 'Take mine', text: 'The files get your version. Theirs stays in the history of the branch.' },
  theirs: {
    verb: 'Take theirs',
    text: 'The files get their version. Yours stays in the history of the branch.',
  },
  both: {
    verb: 'Keep both',
    text: 'Theirs keeps the name; yours is put beside it, named after this machine.',
  },
};

export function ConflictPanel({ project }: { project: Project }) {
  const [asked, setAsked] = useState<Choice | null>(null);
  const { projectId, conflictFiles, machineId, branch } = project;
  if (conflictFiles.length === 0) return null;
  return (
    <section class="conflict">
      <h2>Both sides changed the same lines</h2>
      <p>
        Nothing is lost: your commits are on the remote as{' '}
        <code>
          sync/{machineId}/{branch}
        </code>
        , theirs are on <code>{branch}</code>. Choose what these files get.
      </p>
      <div class="table-wrap">
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">Mine</th>
              <th scope="col">Theirs</th>
            </tr>
          </thead>
          <tbody>
            {conflictFiles.map(({ path, ours, theirs }) => (
              <tr key={path}>
                <td>
                  <code>{path}</code>
                </td>
                <td>{ours}</td>
                <td>{theirs}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Differences projectId={projectId} files={conflictFiles.length} />
      <div class="choices">
        {(['mine', 'theirs', 'both'] as const).map((choice) => (
          <button key={choice} type="button" class="choice" onClick={() => setAsked(choice)}>
            <b>{CHOICES[choice].verb}</b>
            <span>{CHOICES[choice].text}</span>
          </button>
        ))}
      </div>
      {asked !== null && <Choose project={project} choice={asked} onClose={() => setAsked(null)} />}
    </section>
  );
}

/** From theirs to mine: what is taken away is theirs, what is added is mine. */
function Differences({ projectId, files }: { projectId: string; files: number }) {
  const { value, error } = useLoad(
    (api) => api.get<Conflict>(projectPath(projectId, '/conflict')),
    [projectId, files],
  );
  if (error !== null) return <p class="hint">The difference cannot be shown: {error.message}</p>;
  if (value === null) return <p class="hint">Comparing…</p>;
  return (
    <div class="differences">
      {value.files.map(({ path, diff }, index) => (
        <details key={path} open={index === 0}>
          <summary>
            <code>{path}</code>: theirs <span class="minus">−</span>, mine <span class="plus">+</span>
          </summary>
          {diff === null ? (
            <p class="hint">This is no text, or too much of it to be shown.</p>
          ) : (
            <Diff text={diff} />
          )}
        </details>
      ))}
    </div>
  );
}

type ChooseProps = { project: Project; choice: Choice; onClose: () => void };

function Choose({ project, choice, onClose }: ChooseProps) {
  const { actions, api, live } = usePage();
  const { projectId, conflictFiles } = project;
  const { verb, text } = CHOICES[choice];
  const choose = async () => {
    const work = async () => {
      await api.send('POST', projectPath(projectId, '/conflict'), { choice });
      await live.refresh([projectId]);
    };
    await actions.attempt('Chosen; the sync that brings both sides together is queued.', work);
  };
  return (
    <Confirm
      title={`${verb} for ${conflictFiles.length} file(s)?`}
      verb={verb}
      onConfirm={choose}
      onClose={onClose}
    >
      <p>{text}</p>
      <p class="hint">A merge commit keeps both sides in the history.</p>
    </Confirm>
  );
}
