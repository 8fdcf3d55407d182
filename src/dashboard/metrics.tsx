// Syncs, outcomes, durations and bytes over any period, counted by the service.

import { useState } from 'preact/hooks';
import { bytesText, durationText } from './format.ts';
import { useLoad, usePage, usePart } from './page-context.ts';
import { Plot } from './plot.tsx';
import { Figure } from './queue.tsx';
import type { RunMetrics } from './wire.ts';

const HOUR_MS = 3_600_000;
const PERIODS = [
  { name: '1 hour', ms: HOUR_MS, parts: 60 },
  { name: '24 hours', ms: 24 * HOUR_MS, parts: 48 },
  { name: '7 days', ms: 168 * HOUR_MS, parts: 56 },
  { name: '30 days', ms: 720 * HOUR_MS, parts: 60 },
];
const OTHER_PARTS = 60;

/** A period up to now, or one between two instants as a person typed them in local time. */
type Chosen = { index: number } | { from: string; until: string };

export function MetricsView() {
  const [chosen, setChosen] = useState<Chosen>({ index: 1 });
  const [projectId, setProjectId] = useState('');
  const { value, error } = useMetrics(chosen, projectId);
  return (
    <>
      <div class="view-head">
        <h1>Metrics</h1>
        <PeriodChoice chosen={chosen} onChoose={setChosen} />
      </div>
      <Wishes chosen={chosen} onChoose={setChosen} projectId={projectId} onProject={setProjectId} />
      {error !== null && (
        <p class="fault">
          {error.message} {error.faults.map(({ message }) => message).join(' ')}
        </p>
      )}
      {value === null ? error === null && <p class="hint">Counting…</p> : <Charts metrics={value} />}
    </>
  );
}

/** Counted anew with every run that ends. */
function useMetrics(chosen: Chosen, projectId: string) {
  const { browser, store } = usePage();
  const runsSeen = usePart((state) => state.runsSeen);
  return useLoad(
    (api) => {
      const now = browser.now() + store.get().clockAheadMs;
      const period =
        'index' in chosen ? (PERIODS[chosen.index] ?? { ms: HOUR_MS, parts: OTHER_PARTS }) : null;
      const query =
        'index' in chosen
          ? { since: isoOf(now - (period?.ms ?? HOUR_MS)), until: isoOf(now) }
          : { since: localIso(chosen.from), until: localIso(chosen.until) };
      const buckets = period?.parts ?? OTHER_PARTS;
      return api.get<RunMetrics>('/api/sync/metrics', { ...query, buckets, projectId });
    },
    [chosen, projectId, runsSeen],
  );
}

const isoOf = (at: number) => new Date(at).toISOString();

/** Half of a typed instant is none: then the service's own end is taken. */
function localIso(local: string): string | undefined {
  const at = Date.parse(local);
  return Number.isNaN(at) ? undefined : isoOf(at);
}

function PeriodChoice({ chosen, onChoose }: { chosen: Chosen; onChoose: (chosen: Chosen) => void }) {
  return (
    <fieldset class="segments">
      <legend class="sr-only">Period</legend>
      {PERIODS.map(({ name }, index) => (
        <label key={name}>
          <input
            type="radio"
            name="period"
            checked={'index' in chosen && index === chosen.index}
            onChange={() => onChoose({ index })}
          />
          <span>{name}</span>
        </label>
      ))}
      <label>
        <input
          type="radio"
          name="period"
          checked={!('index' in chosen)}
          onChange={() => onChoose({ from: '', until: '' })}
        />
        <span>Other</span>
      </label>
    </fieldset>
  );
}

type WishesProps = {
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
  projectId: string;
  onProject: (projectId: string) => void;
};

function Wishes({ chosen, onChoose, projectId, onProject }: WishesProps) {
  const projects = usePart((state) => state.projects);
  return (
    <div class="filters">
      <label>
        Project
        <select value={projectId} onChange={(event) => onProject(event.currentTarget.value)}>
          <option value="">all</option>
          {[...projects.values()].map((project) => (
            <option key={project.projectId} value={project.projectId}>
              {project.projectName}
            </option>
          ))}
        </select>
      </label>
      {!('index' in chosen) &&
        (['from', 'until'] as const).map((end) => (
          <label key={end}>
            {end === 'from' ? 'From' : 'To'}
            <input
              type="datetime-local"
              value={chosen[end]}
              onChange={(event) => onChoose({ ...chosen, [end]: event.currentTarget.value })}
            />
          </label>
        ))}
    </div>
  );
}

function Charts({ metrics: { totals, buckets, until } }: { metrics: RunMetrics }) {
  const starts = buckets.map(({ from }) => Date.parse(from));
  const time = { starts, until: Date.parse(until) };
  const orDash = (value: number | null, text: (value: number) => string) =>
    value === null ? '–' : text(value);
  return (
    <>
      <dl class="figures">
        <Figure name="Syncs" value={totals.syncs.toLocaleString()} />
        <Figure
          name="Success"
          value={orDash(totals.successRate, (rate) => `${(Math.floor(rate * 1000) / 10).toString()} %`)}
        />
        <Figure name="Typical (p50)" value={orDash(totals.p50Ms, durationText)} />
        <Figure name="Slow (p95)" value={orDash(totals.p95Ms, durationText)} />
        <Figure name="Pushed" value={bytesText(totals.bytes)} />
      </dl>
      <div class="plots">
        <Plot
          title="Syncs"
          kind="bars"
          {...time}
          format={(value) => String(Math.round(value * 10) / 10)}
          series={[
            { name: 'pushed', tone: 'good', values: buckets.map(({ good }) => good) },
            {
              name: 'nothing to do, later, or your turn',
              tone: 'quiet',
              values: buckets.map(({ syncs, good, bad }) => syncs - good - bad),
            },
            { name: 'failed', tone: 'bad', values: buckets.map(({ bad }) => bad) },
          ]}
        />
        <Plot
          title="Duration of a push"
          kind="dots"
          {...time}
          format={durationText}
          series={[
            { name: 'p50', tone: 'good', values: buckets.map(({ p50Ms }) => p50Ms) },
            { name: 'p95', tone: 'wait', values: buckets.map(({ p95Ms }) => p95Ms) },
          ]}
        />
        <Plot
          title="Success"
          kind="dots"
          {...time}
          format={(value) => `${Math.round(value * 100)} %`}
          series={[{ name: 'success rate', tone: 'good', values: buckets.map(successRate) }]}
        />
        <Plot
          title="Bytes pushed"
          kind="bars"
          {...time}
          format={bytesText}
          series={[{ name: 'bytes', tone: 'info', values: buckets.map(({ bytes }) => bytes) }]}
        />
      </div>
    </>
  );
}

/** Null where nothing was tried that could fail. */
function successRate({ good, bad }: { good: number; bad: number }): number | null {
  return good + bad === 0 ? null : good / (good + bad);
}
