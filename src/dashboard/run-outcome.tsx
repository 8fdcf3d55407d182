// How a sync ended, as a badge.

import { ToneMark } from './state-badge.tsx';
import type { Tone } from './summary.ts';
import type { Run } from './wire.ts';

export function toneOfRun(status: Run['status']): Tone {
  switch (status) {
    case 'success':
      return 'good';
    case 'failed':
    case 'blocked':
    case 'conflict':
    case 'crashed':
      return 'bad';
    case 'retrying':
      return 'wait';
    case 'no-change':
    case null:
      return 'quiet';
    default:
      return status satisfies never;
  }
}

export function RunBadge({ status }: Pick<Run, 'status'>) {
  const tone = toneOfRun(status);
  return (
    <span class={`badge ${tone}`}>
      <ToneMark tone={tone} />
      {status ?? 'running'}
    </span>
  );
}
