// What runs, what waits and for what, and what is parked; and the hosts that pause.

import { useEffect } from 'preact/hooks';
import { agoText, countdownText, spanText } from './format.ts';
import { useNow, usePage, usePart } from './page-context.ts';
import { ProgressLine } from './progress-line.tsx';
import { projectLink } from './route.ts';
import type { ActiveJob, Job, Status } from './wire.ts';

export function QueueView() {
  const queue = usePart((state) => state.queue);
  const gates = usePart((state) => state.status?.gates ?? []);
  useProgress((queue?.active.length ?? 0) > 0);
  if (queue === null) return <p class="hint">Looking…</p>;
  const { stats } = queue;
  const waiting = queue.queue.filter(({ state }) => state === 'scheduled' || state === 'ready');
  const parked = queue.queue.filter(({ state }) => state === 'parked');
  return (
    <>
      <h1>Queue</h1>
      <dl class="figures">
        <Figure name="Running" value={String(stats.activeSyncs)} />
        <Figure name="Ready" value={String(stats.ready)} />
        <Figure name="Later" value={String(stats.scheduled)} />
        <Figure name="Parked" value={String(stats.parked)} />
        <Figure name="Longest wait" value={spanText(stats.oldestWaitMs)} />
      </dl>
      <Gates gates={gates} />
      <JobSection title="Running" jobs={queue.active} empty="Nothing runs." />
      <JobSection title="Waiting" jobs={waiting} empty="Nothing waits." />
      <JobSection title="Parked" jobs={parked} empty="Nothing is parked." />
    </>
  );
}

/** What runs reports no event for every step: while this view is open it is asked each second. */
function useProgress(runs: boolean): void {
  const { live } = usePage();
  const isLive = usePart((state) => state.connection.kind === 'live');
  const second = Math.floor(useNow() / 1_000);
  useEffect(() => {
    if (runs && isLive) void live.refreshQueue();
  }, [runs, isLive, second, live]);
}

export function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Gates({ gates }: { gates: Status['gates'] }) {
  const now = useNow();
  if (gates.length === 0) return null;
  return (
    <section>
      <h2>Hosts that pause</h2>
      <ul class="cards">
        {gates.map(({ key, pausedUntil, reason, remaining, limit }) => (
          <li key={key} class="card">
            <div class="card-head">
              <code>{key}</code>
              <span class="badge wait">{reason}</span>
            </div>
            <p>
              {Date.parse(pausedUntil) > now
                ? `Tried again in ${countdownText(Date.parse(pausedUntil) - now)}.`
                : 'Tried again with the next job.'}
              {remaining !== null && ` ${remaining} of ${limit ?? '?'} requests left.`}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function JobSection({
  title,
  jobs,
  empty,
}: {
  title: string;
  jobs: readonly (Job | ActiveJob)[];
  empty: string;
}) {
  return (
    <section>
      <h2>
        {title} <span class="count">{jobs.length}</span>
      </h2>
      {jobs.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <ul class="jobs">
          {jobs.map((job) => (
            <JobItem key={job.jobId} job={job} />
          ))}
        </ul>
      )}
    </section>
  );
}

function JobItem({ job }: { job: Job | ActiveJob }) {
  const { actions } = usePage();
  const now = useNow();
  const project = usePart((state) => state.projects.get(job.projectId) ?? null);
  const { state, attempt, priority, lastError } = job;
  return (
    <li>
      <a href={projectLink(job.projectId)}>{project?.projectName ?? job.projectId}</a>
      <span>{whatNow(job, now)}</span>
      <span class="hint">
        priority {priority}
        {attempt > 0 && `, ${attempt} failed`}
      </span>
      {'progress' in job && job.progress !== null && <ProgressLine progress={job.progress} />}
      {state === 'parked' && project !== null && (
        <button type="button" onClick={() => void actions.syncNow(project)}>
          Try again
        </button>
      )}
      {lastError !== null && (
        <p class="why">
          <code>{lastError.code}</code> {lastError.detail} <span class="todo">{lastError.action}</span>
        </p>
      )}
    </li>
  );
}

function whatNow({ state, startedAt, runAt, waitingFor }: Job, now: number): string {
  if (state === 'running') {
    return startedAt === null ? 'runs' : `runs for ${spanText(Math.max(0, now - Date.parse(startedAt)))}`;
  }
  if (state === 'parked') return 'waits for you';
  const parts = [];
  if (runAt !== null && Date.parse(runAt) > now) parts.push(agoText(runAt, now));
  if (waitingFor !== null) parts.push(`waits for ${waitingText(waitingFor)}`);
  return parts.join(', ') || 'next';
}

function waitingText(waitingFor: string): string {
  if (waitingFor === 'slot') return 'a free place';
  if (waitingFor === 'quiet-period') return 'a quiet moment';
  return waitingFor.replace(/^gate:(?:host:|cred:)?/, '');
}
