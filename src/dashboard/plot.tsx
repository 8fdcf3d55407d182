// One plot over time: axes with units, values on hover and by arrow keys, and the same as a table.

import { useState } from 'preact/hooks';
import { axisSteps } from './axis-steps.ts';
import { instantText } from './format.ts';

type Series = {
  name: string;
  tone: 'good' | 'wait' | 'bad' | 'quiet' | 'info';
  values: readonly (number | null)[];
};

type PlotProps = {
  title: string;
  /** Bars are stacked; dots are joined where neighbours have values. */
  kind: 'bars' | 'dots';
  series: readonly Series[];
  /** Epoch milliseconds at which each part begins, and the end of the last. */
  starts: readonly number[];
  until: number;
  format: (value: number) => string;
};

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 72;
const BOTTOM = 24;
const TOP = 8;
const SPAN = WIDTH - LEFT - 8;
const TALL = HEIGHT - TOP - BOTTOM;
const DAY_MS = 86_400_000;

export function Plot(props: PlotProps) {
  const { title, series, starts, format } = props;
  const [at, setAt] = useState<number | null>(null);
  const shown = at ?? null;
  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        <Legend series={series} at={shown} format={format} />
      </figcaption>
      <div class="canvas">
        <Drawing {...props} at={shown} onPoint={setAt} />
        <input
          type="range"
          class="reader"
          aria-label={`Read ${title.toLowerCase()} at`}
          aria-valuetext={spoken(props, shown)}
          min={0}
          max={starts.length - 1}
          value={shown ?? starts.length - 1}
          onInput={(event) => setAt(Number(event.currentTarget.value))}
          onFocus={() => setAt(shown ?? starts.length - 1)}
          onBlur={() => setAt(null)}
        />
      </div>
      <p class="hint" role="status">
        {shown !== null && starts[shown] !== undefined
          ? instantText(starts[shown])
          : 'Point at a time to read it.'}
      </p>
      <FigureTable {...props} />
    </figure>
  );
}

function spoken({ series, starts, until, format }: PlotProps, at: number | null): string {
  const index = at ?? starts.length - 1;
  const values = series.map(({ name, values: all }) => {
    const value = all[index] ?? null;
    return `${name} ${value === null ? 'none' : format(value)}`;
  });
  return `${instantText(starts[index] ?? until)}: ${values.join(', ')}`;
}

type LegendProps = { series: readonly Series[]; at: number | null; format: (value: number) => string };

function Legend({ series, at, format }: LegendProps) {
  return (
    <ul class="legend">
      {series.map(({ name, tone, values }) => {
        const value = at === null ? null : (values[at] ?? null);
        return (
          <li key={name} class={tone}>
            {name}
            {value !== null && <b> {format(value)}</b>}
          </li>
        );
      })}
    </ul>
  );
}

type DrawingProps = PlotProps & { at: number | null; onPoint: (at: number | null) => void };

function Drawing({ title, kind, series, starts, until, format, at, onPoint }: DrawingProps) {
  const sums = starts.map((_, index) =>
    kind === 'bars'
      ? series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)
      : Math.max(0, ...series.map(({ values }) => values[index] ?? 0)),
  );
  const steps = axisSteps(Math.max(...sums, 0));
  const top = steps.at(-1) ?? 1;
  const y = (value: number) => TOP + TALL - (value / top) * TALL;
  const width = SPAN / starts.length;
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH - LEFT;
    const index = Math.floor(x / width);
    onPoint(index >= 0 && index < starts.length ? index : null);
  };
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${title} over time; the table below has the figures`}
      onPointerMove={point}
      onPointerLeave={() => onPoint(null)}
    >
      {steps.map((step) => (
        <g key={step} class="axis">
          <line x1={LEFT} x2={WIDTH - 8} y1={y(step)} y2={y(step)} />
          <text x={LEFT - 8} y={y(step) + 4} text-anchor="end">
            {format(step)}
          </text>
        </g>
      ))}
      <TimeAxis starts={starts} until={until} />
      {at !== null && <rect class="cursor" x={LEFT + at * width} y={TOP} width={width} height={TALL} />}
      {kind === 'bars' ? (
        <Bars series={series} width={width} y={y} />
      ) : (
        series.map((one) => <Dots key={one.name} series={one} width={width} y={y} />)
      )}
    </svg>
  );
}

function TimeAxis({ starts, until }: { starts: readonly number[]; until: number }) {
  const from = starts[0] ?? until;
  const isLong = until - from > 2 * DAY_MS;
  const label = (time: number) =>
    isLong
      ? new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
      : new Date(time).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return (
    <g class="axis">
      {[0, 1, 2, 3, 4].map((part) => (
        <text
          key={part}
          x={LEFT + (SPAN * part) / 4}
          y={HEIGHT - 6}
          text-anchor={part === 0 ? 'start' : part === 4 ? 'end' : 'middle'}
        >
          {label(from + ((until - from) * part) / 4)}
        </text>
      ))}
    </g>
  );
}

type MarksProps = { width: number; y: (value: number) => number };

function Bars({ series, width, y }: MarksProps & { series: readonly Series[] }) {
  const count = series[0]?.values.length ?? 0;
  return (
    <>
      {Array.from({ length: count }, (_, index) => {
        let below = 0;
        return series.map(({ name, tone, values }) => {
          const value = values[index] ?? 0;
          const bottom = y(below);
          below += value;
          if (value === 0) return null;
          const x = LEFT + index * width + width * 0.1;
          return (
            <rect
              key={name}
              class={`bar ${tone}`}
              x={x}
              y={y(below)}
              width={width * 0.8}
              height={bottom - y(below)}
            />
          );
        });
      })}
    </>
  );
}

function Dots({ series: { tone, values }, width, y }: MarksProps & { series: Series }) {
  const places = values.map((value, index) =>
    value === null ? null : { x: LEFT + (index + 0.5) * width, y: y(value) },
  );
  const path = places
    .map((place, index) => (place === null ? '' : `${places[index - 1] ? 'L' : 'M'}${place.x} ${place.y}`))
    .join('');
  return (
    <g class={`line ${tone}`}>
      <path d={path} />
      {places.map((place) => place !== null && <circle key={place.x} cx={place.x} cy={place.y} r="2.5" />)}
    </g>
  );
}

function FigureTable({ title, series, starts, format }: PlotProps) {
  const rows = starts
    .map((start, index) => ({ start, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0));
  return (
    <details>
      <summary>Figures of {title.toLowerCase()}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            {series.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ start, values }) => (
            <tr key={start}>
              <td>{instantText(start)}</td>
              {values.map((value, index) => (
                <td key={series[index]?.name} class="number">
                  {value === null ? '–' : format(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
