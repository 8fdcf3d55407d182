// The machines that share the queue.

import { agoText, countText } from './format.ts';
import { useLoad, useNow, usePart } from './page-context.ts';
import type { Tone } from './summary.ts';
import type { Machine } from './wire.ts';

const TONES: Record<Machine['state'], Tone> = { alive: 'good', stopped: 'quiet', dead: 'bad' };

export function MachinesView() {
  const now = useNow();
  // The status is read every few seconds: heartbeats are as fresh as it is.
  const freshAt = usePart((state) => state.freshAt);
  const { value, error } = useLoad(
    (api) => api.get<{ machines: Machine[] }>('/api/sync/machines'),
    [freshAt],
  );
  return (
    <>
      <h1>Machines</h1>
      {error !== null && <p class="fault">{error.message}</p>}
      <ul class="cards">
        {(value?.machines ?? []).map((machine) => (
          <li key={machine.machineId} class="card">
            <div class="card-head">
              <b>{machine.machineId}</b>
              {machine.isThis && <span class="hint">this one</span>}
              <span class={`badge ${TONES[machine.state]}`}>{machine.state}</span>
            </div>
            <p>
              {countText(machine.projects, 'project')}, {machine.queue.running} running,{' '}
              {machine.queue.waiting} waiting, {machine.queue.parked} parked
            </p>
            <p class="hint">
              {machine.version !== null && `version ${machine.version}, `}
              {machine.lastHeartbeatAt === null
                ? 'never heard of'
                : `heard of ${agoText(machine.lastHeartbeatAt, now)}`}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}
