// Files that stay on this machine, why, and how to let them pass; and deletions that wait for a word.

import { useState } from 'preact/hooks';
import { projectPath } from './api.ts';
import { Deletions } from './deletions.tsx';
import { Confirm } from './dialog.tsx';
import { agoText, bytesText, countText, shortId } from './format.ts';
import { heldReasonText } from './held-reason.ts';
import { useLoad, useNow, usePage, usePart } from './page-context.ts';
import type { Held, Project } from './wire.ts';

type Scope = 'once' | 'always';
type File = Held['held'][number];

export function HeldFiles({ project }: { project: Project }) {
  const [asked, setAsked] = useState<{ file: File; scope: Scope } | null>(null);
  const runsSeen = usePart((state) => state.runsSeen);
  const path = projectPath(project.projectId, '/held');
  const { value, error } = useLoad((api) => api.get<Held>(path), [path, runsSeen, project.heldFiles]);
  if (error !== null) return <p class="fault">{error.message}</p>;
  if (value === null) return <p class="hint">Looking…</p>;
  const { held, deletions, nextCursor } = value;
  if (held.length === 0 && deletions === null) {
    return project.conflictFiles.length > 0 ? null : <p class="empty">Nothing waits for your decision.</p>;
  }
  return (
    <>
      {deletions !== null && <Deletions project={project} deletions={deletions} />}
      {held.length > 0 && (
        <section>
          <h2>
            {countText(held.length, 'file')} held back{nextCursor !== null && ', and more'}
          </h2>
          <p class="hint">They stay on this machine and stop no other file.</p>
          <ul class="held">
            {held.map((file) => (
              <HeldCard
                key={`${file.path} ${file.commit} ${file.fingerprint}`}
                file={file}
                ask={(scope) => setAsked({ file, scope })}
              />
            ))}
          </ul>
        </section>
      )}
      {asked !== null && <Release project={project} {...asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function HeldCard({ file, ask }: { file: File; ask: (scope: Scope) => void }) {
  const now = useNow();
  const { path, reason, rule, line, sizeBytes, commit, since, releasable, action } = file;
  const facts = [
    `rule ${rule}`,
    sizeBytes !== null && bytesText(sizeBytes),
    commit !== null && `in your commit ${shortId(commit)}`,
    since !== null && `held ${agoText(since, now)}`,
  ].filter(Boolean);
  return (
    <li class="card">
      <div>
        <code class="file">{path}</code>
        <p>
          It {heldReasonText(reason)}
          {line !== undefined && ` in line ${line}`}.
        </p>
        <p class="hint">{facts.join(' · ')}</p>
        <p class="todo">{action}</p>
      </div>
      {releasable && (
        <div class="buttons">
          <button type="button" onClick={() => ask('once')}>
            Release once
          </button>
          <button type="button" onClick={() => ask('always')}>
            Allow for ever
          </button>
        </div>
      )}
    </li>
  );
}

type ReleaseProps = { project: Project; file: File; scope: Scope; onClose: () => void };

function Release({ project, file, scope, onClose }: ReleaseProps) {
  const { actions, api, live } = usePage();
  const { projectId } = project;
  const { path, fingerprint } = file;
  const release = async () => {
    const body = { scope, ...(fingerprint === null ? { paths: [path] } : { fingerprints: [fingerprint] }) };
    const work = async () => {
      await api.send('POST', projectPath(projectId, '/held/release'), body);
      await live.refresh([projectId]);
    };
    await actions.attempt(`${path} is released; its sync is queued.`, work);
  };
  return (
    <Confirm
      title={`Let ${path} leave this machine?`}
      verb="Release it"
      onConfirm={release}
      onClose={onClose}
    >
      <p>What was pushed cannot be taken back.</p>
      <p class="hint">
        {scope === 'once'
          ? 'Only this very content passes, once. Changed again, it is held again.'
          : "This very content passes from now on; the project's settings remember it."}
      </p>
    </Confirm>
  );
}
