// Every attempt of every project, by outcome, project and time.

import { useState } from 'preact/hooks';
import { bytesText, countText, durationText, instantOf, instantText, shortId } from './format.ts';
import { useLoad, usePart } from './page-context.ts';
import { projectLink } from './route.ts';
import { RunBadge } from './run-outcome.tsx';
import { type Scope, ScopeFields } from './scope-fields.tsx';
import type { Run } from './wire.ts';

const STATUSES = ['success', 'failed', 'retrying', 'no-change', 'blocked', 'conflict', 'crashed'];
const PAGE = 50;

type Wish = Scope & { status: string };
const ALL: Wish = { status: '', projectId: '', since: '', until: '' };

export function HistoryView() {
  const [wish, setWish] = useState(ALL);
  const [limit, setLimit] = useState(PAGE);
  const runsSeen = usePart((state) => state.runsSeen);
  const { value, error } = useLoad(
    (api) =>
      api.get<{ history: Run[]; nextCursor: string | null }>('/api/sync/history', {
        limit,
        status: wish.status,
        projectId: wish.projectId,
        since: instantOf(wish.since),
        until: instantOf(wish.until),
      }),
    [wish, limit, runsSeen],
  );
  const change = (part: Partial<Wish>) => {
    setLimit(PAGE);
    setWish({ ...wish, ...part });
  };
  return (
    <>
      <h1>History</h1>
      <Filters wish={wish} change={change} />
      {error !== null && <p class="fault">{error.message}</p>}
      {value !== null && value.history.length === 0 && <p class="empty">No sync fits.</p>}
      {value !== null && value.history.length > 0 && <Runs runs={value.history} />}
      {value !== null && value.nextCursor !== null && limit < 500 && (
        <button type="button" onClick={() => setLimit(Math.min(500, limit * 2))}>
          Show more
        </button>
      )}
    </>
  );
}

function Filters({ wish, change }: { wish: Wish; change: (part: Partial<Wish>) => void }) {
  return (
    <div class="filters">
      <label>
        Outcome
        <select value={wish.status} onChange={(event) => change({ status: event.currentTarget.value })}>
          <option value="">any</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {status}
            </option>
          ))}
        </select>
      </label>
      <ScopeFields wish={wish} change={change} />
    </div>
  );
}

function Runs({ runs }: { runs: readonly Run[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, and keys have to reach it
    <section class="table-wrap" tabIndex={0} aria-label="Syncs">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Project</th>
            <th scope="col">Outcome</th>
            <th scope="col">Took</th>
            <th scope="col">Pushed</th>
            <th scope="col">Commit</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={run.runId} run={run} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function RunRow({ run }: { run: Run }) {
  const { projectId, projectName, status, startedAt, durationMs, filesChanged, bytesPushed, commit, error } =
    run;
  return (
    <tr>
      <td>
        <time dateTime={startedAt}>{instantText(startedAt)}</time>
        <small>by {run.trigger}</small>
      </td>
      <td>
        <a href={projectLink(projectId)}>{projectName}</a>
      </td>
      <td>
        <RunBadge status={status} />
        {error !== null && (
          <small title={error.action}>
            <code>{error.code}</code> {error.detail}
          </small>
        )}
      </td>
      <td class="number">{durationMs === null ? '' : durationText(durationMs)}</td>
      <td class="number">
        {bytesPushed === 0 ? '' : `${countText(filesChanged, 'file')}, ${bytesText(bytesPushed)}`}
      </td>
      <td>{commit !== null && <code>{shortId(commit)}</code>}</td>
    </tr>
  );
}
