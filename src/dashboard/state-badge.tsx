// A project's state as a word with a shape, so that it is told apart without colour.

import { usePart } from './page-context.ts';
import { toneOf } from './summary.ts';
import type { Project } from './wire.ts';

const SHAPES = {
  good: <path d="M3 8.5l3.2 3.2L13 5" />,
  wait: <path d="M8 2.2a5.8 5.8 0 1 0 .01 0M8 5v3.2l2 1.2" />,
  bad: <path d="M8 3.5v5.5M8 12v.4" />,
  quiet: <path d="M5.5 4v8M10.5 4v8" />,
};

export function ToneMark({ tone }: { tone: keyof typeof SHAPES }) {
  return (
    <svg class={`mark ${tone}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[tone]}
    </svg>
  );
}

/** What was read before the connection was lost is no state of now. */
export function StateBadge({ state }: Pick<Project, 'state'>) {
  const isLost = usePart((page) => page.connection.kind === 'lost');
  const tone = isLost ? 'quiet' : toneOf(state);
  return (
    <span class={`badge ${tone}`}>
      <ToneMark tone={tone} />
      {isLost ? `was ${state}` : state}
    </span>
  );
}
