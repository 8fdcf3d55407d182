// What a removed project leaves on its host is taken away afterwards, in the background: to forget a project is a matter
// of this machine, and never waits for a host. Where the host does not do it in time, that is told.

import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import {
  type LeftWebhook,
  takeAwayWebhook,
  type WebhookPorts,
  webhookLeftBy,
} from '../runner/register-webhook.ts';

/** With waiting for its turn and for a pause of the host. */
const LONGEST_MS = 30_000;

export type HostLeaver = {
  /** To be called while the project is still there; what it answers, when it is gone. */
  prepare(project: Project): Promise<() => void>;
  /** Ends what is under way, and tells what stays. */
  close(): Promise<void>;
};

export function createHostLeaver(
  ports: WebhookPorts & {
    clock: Pick<Clock, 'timer'>;
    bus: Pick<EventBus, 'publish'>;
    log: Log;
    machineId: string;
  },
): HostLeaver {
  const { clock, bus, log, machineId } = ports;
  const leaving = new Map<Promise<void>, AbortController>();

  async function leave(left: LeftWebhook, { projectId }: Project, stop: AbortController): Promise<void> {
    const late = new Failure('remote-timeout', `The host did not do it within ${LONGEST_MS / 1000} s.`);
    const cancel = clock.timer(LONGEST_MS, () => stop.abort(late));
    try {
      await takeAwayWebhook(left, { ...ports, signal: stop.signal });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { code, message: why } = stop.signal.aborted ? (stop.signal.reason as Failure) : error;
      log.warn({ projectId, code, why }, 'the webhook of a removed project stays on its host');
      const detail = `The webhook of "${projectId}", which was removed, stays on its host: ${why}`;
      const action =
        'Delete it there, in the settings of the repository: its address ends in "?by=gitferry".';
      await bus.publish([{ type: 'notice', data: { detail, code, action, machineId } }]);
    } finally {
      cancel();
    }
  }

  return {
    async prepare(project) {
      const left = await webhookLeftBy(project, ports);
      return () => {
        if (left === null) return;
        const stop = new AbortController();
        const done = leave(left, project, stop)
          .catch((error: unknown) =>
            log.error({ err: error }, 'leaving the host of a removed project failed'),
          )
          .finally(() => leaving.delete(done));
        leaving.set(done, stop);
      };
    },
    async close() {
      const aborted = new Failure('aborted', 'The service ended before its host answered.');
      for (const stop of leaving.values()) stop.abort(aborted);
      await Promise.all(leaving.keys());
    },
  };
}
