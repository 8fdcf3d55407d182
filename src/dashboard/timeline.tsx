// The syncs of one project, newest first: what was pushed where, or why not.

import { useState } from 'preact/hooks';
import { withQuery } from './api.ts';
import { agoText, bytesText, countText, durationText, instantText, shortId } from './format.ts';
import { useLoad, useNow, usePart } from './page-context.ts';
import { RunBadge, toneOfRun } from './run-outcome.tsx';
import type { Project, Run } from './wire.ts';

const PAGE = 40;

export function Timeline({ project }: { project: Project }) {
  const runsSeen = usePart((state) => state.runsSeen);
  const [limit, setLimit] = useState(PAGE);
  const path = `/api/sync/history/${encodeURIComponent(project.projectId)}`;
  const { value, error } = useLoad(
    (api) => api.get<{ history: Run[]; nextCursor: string | null }>(withQuery(path, { limit })),
    [path, limit, runsSeen],
  );
  if (error !== null) return <p class="fault">{error.message}</p>;
  if (value === null) return <p class="hint">Looking…</p>;
  if (value.history.length === 0) return <p class="empty">Not synced yet. The first sync will stand here.</p>;
  return (
    <>
      <ol class="timeline">
        {value.history.map((run) => (
          <TimelineItem key={run.runId} run={run} />
        ))}
      </ol>
      {value.nextCursor !== null && limit < 500 && (
        <button type="button" onClick={() => setLimit(Math.min(500, limit * 2))}>
          Show more
        </button>
      )}
    </>
  );
}

function TimelineItem({ run }: { run: Run }) {
  const now = useNow();
  const { status, startedAt, durationMs, filesChanged, bytesPushed, commit, remotes, error, trigger } = run;
  const facts = [
    filesChanged > 0 && countText(filesChanged, 'file'),
    bytesPushed > 0 && bytesText(bytesPushed),
    durationMs !== null && durationText(durationMs),
    `by ${trigger}`,
  ].filter(Boolean);
  return (
    <li class={toneOfRun(status)}>
      <div class="when">
        <time dateTime={startedAt} title={instantText(startedAt)}>
          {agoText(startedAt, now)}
        </time>
        <RunBadge status={status} />
        {commit !== null && <code>{shortId(commit)}</code>}
        <span class="hint">{facts.join(' · ')}</span>
      </div>
      {remotes
        .filter((remote) => remote.status !== 'up-to-date')
        .map(({ name, branch, status: outcome, from, to }) => (
          <p key={`${name} ${branch}`} class="push">
            <b>{branch}</b> {outcome} to {name}
            {to !== null && (
              <code>
                {from === null ? 'new' : shortId(from)} → {shortId(to)}
              </code>
            )}
          </p>
        ))}
      {error !== null && (
        <div class="why">
          <p>
            <code>{error.code}</code> {error.detail}
          </p>
          <p class="todo">{error.action}</p>
        </div>
      )}
    </li>
  );
}
