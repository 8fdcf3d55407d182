// Syncs, outcomes, durations and bytes over a period, from the history.

import { useState } from 'preact/hooks';
import { getAll } from './api.ts';
import { bytesText, durationText } from './format.ts';
import { bucketRuns, totalsOf } from './metric-buckets.ts';
import { useLoad, usePage, usePart } from './page-context.ts';
import { Plot } from './plot.tsx';
import { Figure } from './queue.tsx';
import type { Run } from './wire.ts';

const HOUR_MS = 3_600_000;
const PERIODS = [
  { name: '1 hour', ms: HOUR_MS, parts: 60 },
  { name: '24 hours', ms: 24 * HOUR_MS, parts: 48 },
  { name: '7 days', ms: 168 * HOUR_MS, parts: 56 },
  { name: '30 days', ms: 720 * HOUR_MS, parts: 60 },
];
const MOST_RUNS = 20_000;

export function MetricsView() {
  const { browser, store } = usePage();
  const [chosen, setChosen] = useState(1);
  const runsSeen = usePart((state) => state.runsSeen);
  const period = PERIODS[chosen] as (typeof PERIODS)[number];
  const { value, error } = useLoad(
    async (api) => {
      const until = browser.now() + store.get().clockAheadMs;
      const from = until - period.ms;
      const query = { since: new Date(from).toISOString() };
      const path = '/api/sync/history';
      const { all, cut } = await getAll<'history', Run>(api, path, {
        key: 'history',
        query,
        most: MOST_RUNS,
      });
      return { runs: all, cut, from, until, period };
    },
    [period, runsSeen],
  );
  return (
    <>
      <div class="view-head">
        <h1>Metrics</h1>
        <fieldset class="segments">
          <legend class="sr-only">Period</legend>
          {PERIODS.map(({ name }, index) => (
            <label key={name}>
              <input
                type="radio"
                name="period"
                checked={index === chosen}
                onChange={() => setChosen(index)}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {error !== null && <p class="fault">{error.message}</p>}
      {value === null ? <p class="hint">Counting…</p> : <Charts {...value} />}
    </>
  );
}

type ChartsProps = {
  runs: Run[];
  cut: boolean;
  from: number;
  until: number;
  period: (typeof PERIODS)[number];
};

function Charts({ runs, cut, from, until, period }: ChartsProps) {
  const buckets = bucketRuns(runs, { from, until, count: period.parts });
  const totals = totalsOf(runs);
  const starts = buckets.map((bucket) => bucket.from);
  const time = { starts, until };
  const orDash = (value: number | null, text: (value: number) => string) =>
    value === null ? '–' : text(value);
  return (
    <>
      {cut && <p class="hint">Of the newest {MOST_RUNS.toLocaleString()} syncs.</p>}
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
            { name: 'nothing to do, or later', tone: 'quiet', values: buckets.map(({ other }) => other) },
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
