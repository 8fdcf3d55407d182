// How far a running sync has come: its phase, and what it has sent of how much.

import { bytesText, countText } from './format.ts';
import type { Progress } from './wire.ts';

const PHASES: Record<Progress['phase'], string> = {
  looking: 'looks at the repository',
  comparing: 'compares the files',
  checking: 'looks for secrets and large files',
  committing: 'commits',
  pushing: 'pushes',
  fetching: 'fetches what others pushed',
  integrating: 'brings both sides together',
  snapshot: 'takes a snapshot',
};

export function ProgressLine({ progress }: { progress: Progress }) {
  const { phase, objects, objectsTotal, bytes } = progress;
  const isCounted = objects !== null && objectsTotal !== null && objectsTotal > 0;
  const parts = [
    PHASES[phase],
    isCounted && `${objects.toLocaleString()} of ${countText(objectsTotal, 'object')}`,
    bytes > 0 && bytesText(bytes),
  ].filter(Boolean);
  return (
    <span class="progress">
      {isCounted && <progress value={objects} max={objectsTotal} aria-label="Objects sent" />}
      {parts.join(', ')}
    </span>
  );
}
