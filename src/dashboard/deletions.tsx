// So many files are gone at once that a person has to say that it was meant.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { Confirm } from './dialog.tsx';
import { countText } from './format.ts';
import { usePage } from './page-context.ts';
import type { Held, Project } from './wire.ts';

type DeletionsProps = { project: Project; deletions: NonNullable<Held['deletions']> };

export function Deletions({ project, deletions }: DeletionsProps) {
  const { actions, api, live } = usePage();
  const [asks, setAsks] = useState(false);
  const { deleted, tracked, sample, token, action } = deletions;
  const confirm = async () => {
    const work = async () => {
      await api.send('POST', projectPath(project.projectId, '/deletions/confirm'), { token });
      await live.refresh([project.projectId]);
    };
    await actions.attempt('Confirmed; the sync that pushes the deletions is queued.', work);
  };
  return (
    <section>
      <h2>
        {deleted.toLocaleString()} of {countText(tracked, 'file')} are gone
      </h2>
      <div class="card">
        <p class="todo">{action}</p>
        <p class="hint">
          {sample.join(', ')}
          {deleted > sample.length && ', …'}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => setAsks(true)}>
            I deleted them
          </button>
        </div>
      </div>
      {asks && (
        <Confirm
          title={`Delete ${countText(deleted, 'file')} on the remote, too?`}
          verb="Push the deletions"
          onConfirm={confirm}
          onClose={() => setAsks(false)}
        >
          <p>They stay in the history of the branch. If more are deleted meanwhile, you are asked again.</p>
        </Confirm>
      )}
    </section>
  );
}
