// What the clock alone begins: questions to remotes, cron times, quiet hours. Joined here with the rest.

import type { ProjectId } from '../model/ids.ts';
import { createScheduleKeeper } from './keep-schedules.ts';
import { openRemotePoll, type RemotePollInput } from './open-remote-poll.ts';

type Ports = RemotePollInput & {
  machineId: string;
  hints: { add(projectId: ProjectId, paths: 'all'): void };
  /** What waits may be due at another time now. */
  wakeQueue(): void;
};

export type TimedWork = {
  start(): void;
  stop(): Promise<void>;
  /** Settings of a project changed: look now. */
  wake(): void;
  forget(projectId: ProjectId): void;
};

export function openTimedWork(ports: Ports): TimedWork {
  const { projects, queue, publishStates } = ports;
  const poll = openRemotePoll(ports);
  const schedules = createScheduleKeeper({
    ...ports,
    projects: () => projects.all(),
    async onDue(projectId) {
      ports.hints.add(projectId, 'all');
      await queue([projectId], { trigger: 'schedule', delayMs: 0, force: false, askRemote: true });
      await publishStates([projectId]);
    },
    async onQuietHours(projectId) {
      ports.bus.notify();
      ports.wakeQueue();
      await publishStates([projectId]);
    },
  });
  return {
    start() {
      poll.start();
      schedules.start();
    },
    async stop() {
      await Promise.all([poll.stop(), schedules.stop()]);
    },
    wake: () => schedules.wake(),
    forget(projectId) {
      poll.forget(projectId);
      schedules.forget(projectId);
    },
  };
}
